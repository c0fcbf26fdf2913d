import CPlatform
import Synchronization

/// Threads that compute together what is one worker's: the worker's own, which goes through its
/// program, and helpers, which take parts of every large kernel's outputs. A kernel has as many
/// parts as the crew members; each claims its own first, and then what nobody has claimed, so that
/// nobody waits for a helper that has no core.
///
/// A part is whole chains, and who computes an output changes no bit. From kernel to kernel nothing
/// is allocated and no reference counted; a lock is taken only to sleep, and to wake who sleeps.
package final class Crew {
  /// The worker's own thread, which is member 0, and the helpers.
  package let memberCount: Int
  let state: UnsafeMutablePointer<CrewState>
  private let scratch: AlignedBuffer

  /// - Parameters:
  ///   - memberCount: at least 1.
  ///   - scratchCount: floats of scratch that a helper's kernels need.
  package init(memberCount: Int, scratchCount: Int) {
    precondition(memberCount > 0, "members \(memberCount) < 1")
    self.memberCount = memberCount
    let stride = (scratchCount + 15) & ~15
    scratch = AlignedBuffer(count: (memberCount - 1) * stride)
    state = .allocate(capacity: 1)
    state.initialize(
      to: CrewState(memberCount: memberCount, scratch: scratch.pointer, scratchStride: stride))
  }

  deinit {
    state.pointee.deallocate()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Kernels that have been shared.
  package var taskCount: Int { state.pointee.taskCount }

  /// Shares kernels from here on: every helper serves, or is about to. Member 0 calls it.
  package func open() { state.pointee.isOpen = memberCount > 1 }

  /// Lets the helpers go. Member 0 calls it, and opens the crew again only when all have gone.
  package func close() {
    guard state.pointee.isOpen else { return }
    state.pointee.isOpen = false
    state.pointee.dismiss()
  }

  /// Has the helpers take nothing to do, and waits for them, as the worker does for those that are
  /// at a part when it has done its own. Member 0 calls it, to measure that.
  package func handOver() {
    let generation = state.pointee.post(CrewTask(.none, UnsafeRawPointer(state)))
    if state.pointee.claim(0, of: generation) != nil { state.pointee.finishPart() }
    state.pointee.waitForParts()
  }

  /// Has members record what they do: those of one worker, in order. The crew is closed.
  package func record(with timers: TeamTimers) { state.pointee.timers = timers }

  /// Takes parts of all kernels until the crew is closed.
  package func serve(member: Int, _ kernels: Kernels) {
    precondition(member > 0, "member \(member) is no helper")
    precondition(member < memberCount, "member \(member) of \(memberCount)")
    let timer = state.pointee.timers[member]
    timer.enter(.kernelWait)
    while let generation = state.pointee.nextGeneration(of: member) {
      kernels.performParts(generation, member: member, of: state)
      timer.enter(.kernelWait)
    }
  }
}

/// A kernel that a crew shares, and its arguments, which stay until all have done their parts.
struct CrewTask {
  enum Kind {
    case none, product, weightGradient, packShardColumns, gates, softmaxCrossEntropy
    case softmaxBlock, softmaxBlockGradient, valueLoss, normalize, normalizeBackward, dropRows
    case copyRows
  }

  var kind: Kind
  var arguments: UnsafeRawPointer
  /// The number of a gate function, or the columns that are packed.
  var number = 0
  /// What the worker records meanwhile.
  var span = SpanKind.other
  /// Where columns are packed to.
  var output: UnsafeMutablePointer<Float>?

  init(_ kind: Kind, _ arguments: UnsafeRawPointer) {
    self.kind = kind
    self.arguments = arguments
  }
}

/// What the members share. Member 0 writes `task` while no part of the one before is under way, and
/// publishes it by `generation`; it is read by those who have claimed a part of it.
struct CrewState: ~Copyable {
  private typealias CacheLine = (Int, Int, Int, Int, Int, Int, Int, Int)

  let memberCount: Int
  let scratch: UnsafeMutablePointer<Float>
  let scratchStride: Int
  /// Whether helpers serve; of member 0 alone.
  var isOpen = false
  /// What members record with; written while the crew is closed.
  var timers = TeamTimers()
  /// The last generation that each helper has seen, and how often it has gone, in a cache line of
  /// its own.
  private let seen: UnsafeMutablePointer<Int>
  /// The last generation in which each part was claimed.
  private let claims: UnsafeMutablePointer<Atomic<Int>>
  private let task: UnsafeMutablePointer<CrewTask>
  private let generation = Atomic<Int>(0)
  private let dismissals = Atomic<Int>(0)
  private let between: CacheLine = (0, 0, 0, 0, 0, 0, 0, 0)
  private let remaining = Atomic<Int>(0)
  private let after: CacheLine = (0, 0, 0, 0, 0, 0, 0, 0)
  private let room = WaitingRoom()

  init(memberCount: Int, scratch: UnsafeMutablePointer<Float>, scratchStride: Int) {
    self.memberCount = memberCount
    self.scratch = scratch
    self.scratchStride = scratchStride
    seen = .allocate(capacity: 8 * memberCount)
    seen.initialize(repeating: 0, count: 8 * memberCount)
    claims = .allocate(capacity: memberCount)
    for part in 0..<memberCount { (claims + part).initialize(to: Atomic(0)) }
    task = .allocate(capacity: 1)
    task.initialize(to: CrewTask(.none, UnsafeRawPointer(scratch)))
  }

  func deallocate() {
    seen.deallocate()
    claims.deinitialize(count: memberCount)
    claims.deallocate()
    task.deallocate()
  }

  var taskCount: Int { generation.load(ordering: .relaxed) }

  /// The scratch of a helper.
  func scratch(of member: Int) -> UnsafeMutablePointer<Float> {
    scratch + (member - 1) * scratchStride
  }

  /// Publishes a kernel, whose parts anybody may claim.
  ///
  /// - Returns: its generation.
  func post(_ next: CrewTask) -> Int {
    task.pointee = next
    task.pointee.span = timers[0].kind
    remaining.store(memberCount, ordering: .relaxed)
    let before = generation.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue
    room.wake()
    return before + 1
  }

  /// Lets every helper go, when it has nothing under way.
  func dismiss() {
    dismissals.wrappingAdd(1, ordering: .sequentiallyConsistent)
    room.wake()
  }

  /// Claims a part of the kernel of a generation.
  ///
  /// - Returns: the kernel; nil where somebody has claimed the part. All parts of a generation are
  ///   claimed before there is another, so that who comes late gets none.
  @inline(__always)
  func claim(_ part: Int, of generation: Int) -> CrewTask? {
    let last = claims[part].load(ordering: .relaxed)
    guard last < generation,
      claims[part].compareExchange(
        expected: last, desired: generation, ordering: .sequentiallyConsistent
      ).exchanged
    else { return nil }
    return task.pointee
  }

  /// Returns when all parts are done.
  func waitForParts() {
    if remaining.load(ordering: .sequentiallyConsistent) == 0 { return }
    let before = timers[0].interrupt(by: .helperWait)
    room.wait { remaining.load(ordering: .sequentiallyConsistent) == 0 }
    timers[0].resume(before)
  }

  /// Waits for what a helper may do next; nil where it is to go.
  func nextGeneration(of member: Int) -> Int? {
    let own = seen + 8 * member
    let (last, left) = (own[0], own[1])
    room.wait {
      generation.load(ordering: .sequentiallyConsistent) != last
        || dismissals.load(ordering: .sequentiallyConsistent) != left
    }
    let next = generation.load(ordering: .sequentiallyConsistent)
    if next != last {
      own[0] = next
      return next
    }
    own[1] = left + 1
    return nil
  }

  /// Says that a part is done.
  func finishPart() {
    let before = remaining.wrappingSubtract(1, ordering: .sequentiallyConsistent).oldValue
    if before == 1 { room.wake() }
  }
}
