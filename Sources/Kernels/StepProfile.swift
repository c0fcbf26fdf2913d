/// The parts of a training step that a profile tells apart.
@usableFromInline package enum StepPhase: Int, CaseIterable, Sendable {
  case data, inputProducts
  case recurrentProducts, gates, outputProducts, softmax, weightGradients, operandPacking
  case dropout, embedding, fold, norm, optimizer, weightPacking, exchange, other

  package var name: String {
    switch self {
    case .data: "data"
    case .inputProducts: "input products"
    case .recurrentProducts: "recurrent products"
    case .gates: "gates"
    case .outputProducts: "output products"
    case .softmax: "softmax"
    case .weightGradients: "weight gradients"
    case .operandPacking: "operand packing"
    case .dropout: "dropout"
    case .embedding: "embedding"
    case .fold: "fold"
    case .norm: "norm"
    case .optimizer: "optimizer"
    case .weightPacking: "weight packing"
    case .exchange: "exchange"
    case .other: "other"
    }
  }
}

/// Where the time of steps goes on one thread: each moment belongs to the phase that was entered
/// last, so that the phases add up to the whole.
@usableFromInline package final class StepProfile {
  @usableFromInline package struct Totals: Sendable {
    package var seconds = 0.0
    /// Floating-point operations of matrix products, padding included.
    package var operations = 0.0
    /// Bytes read and written, each array counted once.
    package var bytes = 0.0
  }

  @usableFromInline struct State {
    var phase = StepPhase.other
    var since = ContinuousClock.now
  }

  fileprivate let totals: UnsafeMutablePointer<Totals>
  fileprivate let state: UnsafeMutablePointer<State>

  package init() {
    totals = .allocate(capacity: StepPhase.allCases.count)
    totals.initialize(repeating: Totals(), count: StepPhase.allCases.count)
    state = .allocate(capacity: 1)
    state.initialize(to: State())
  }

  deinit {
    totals.deallocate()
    state.deallocate()
  }

  /// Forgets what was counted; the moment belongs to `other`.
  package func reset() {
    totals.update(repeating: Totals(), count: StepPhase.allCases.count)
    state.pointee = State()
  }

  /// Goes on with counting at this moment: what came since the last phase belongs to none.
  package func resume() { state.pointee = State() }

  package subscript(_ phase: StepPhase) -> Totals { totals[phase.rawValue] }

  /// The sum of all phases.
  package var seconds: Double { StepPhase.allCases.reduce(0) { $0 + self[$1].seconds } }

  /// For whoever enters phases; must not outlive the profile.
  package var timer: PhaseTimer { PhaseTimer(self) }
}

/// Enters phases of a profile, or does nothing: a value without references, for code that must not
/// count them. One thread at a time.
///
/// `enter` is inlined into other targets: called, it would cost a closure for each argument also
/// where nothing is measured.
@frozen @usableFromInline package struct PhaseTimer {
  @usableFromInline let totals: UnsafeMutablePointer<StepProfile.Totals>?
  @usableFromInline let state: UnsafeMutablePointer<StepProfile.State>?

  /// Measures nothing.
  package init() {
    totals = nil
    state = nil
  }

  fileprivate init(_ profile: StepProfile) {
    totals = profile.totals
    state = profile.state
  }

  /// What follows belongs to `phase`, which is to do so many operations and move so many bytes.
  @inlinable @inline(__always) package func enter(
    _ phase: StepPhase, operations: @autoclosure () -> Int = 0, bytes: @autoclosure () -> Int = 0
  ) {
    guard let totals, let state else { return }
    Self.enter(phase, operations: operations(), bytes: bytes(), totals, state)
  }

  @inline(never) @usableFromInline static func enter(
    _ phase: StepPhase, operations: Int, bytes: Int,
    _ totals: UnsafeMutablePointer<StepProfile.Totals>,
    _ state: UnsafeMutablePointer<StepProfile.State>
  ) {
    let now = ContinuousClock.now
    totals[state.pointee.phase.rawValue].seconds += (now - state.pointee.since) / .seconds(1)
    totals[phase.rawValue].operations += Double(operations)
    totals[phase.rawValue].bytes += Double(bytes)
    state.pointee.phase = phase
    state.pointee.since = now
  }
}

/// A function that a worker calls between time steps, so that somebody else's work (an exchange
/// over the network) goes on while it computes: a plain C function and its argument, which cost a
/// hot loop nothing but the call.
package struct ProgressHook {
  private let function: @convention(c) (UnsafeMutableRawPointer) -> Void
  private let context: UnsafeMutableRawPointer

  /// `context` must stay valid for as long as a worker holds the hook.
  package init(
    _ context: UnsafeMutableRawPointer,
    _ function: @escaping @convention(c) (UnsafeMutableRawPointer) -> Void
  ) {
    self.function = function
    self.context = context
  }

  /// Calls it.
  @inline(__always) package func call() { function(context) }
}
