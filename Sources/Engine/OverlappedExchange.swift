import Collectives
import GRUCore
import Kernels

/// The exchange of an engine, which goes on while its workers compute, and the account of how much
/// of it they had to wait for.
final class OverlappedExchange {
  /// Seconds of the exchange since the account was opened.
  struct Account {
    /// From the first bucket of a reduction or gathering to the last, while the workers computed.
    var hidden = Duration.zero
    /// Waiting, and the processor time that the first thread gave the exchange between time steps.
    var exposed = Duration.zero
  }

  let exchange: GradientExchange
  let plan: BucketPlan
  private let usesThread: Bool
  private var thread: ProgressThread?
  /// What went wrong while nobody could be told.
  private var failure: CollectiveError?
  private var account = Account()
  private var exposedSince: ContinuousClock.Instant?
  private var underWaySince: ContinuousClock.Instant?
  private var lastPoll = ContinuousClock.now
  /// What the first thread records with, and where it is told what is under way since when.
  private var timer = PhaseTimer()
  private var lane = PhaseTimer()
  private var laneStart: UInt64 = 0
  /// How much was exposed when what is under way began.
  private var exposedBefore = Duration.zero
  /// Of the gathering under way: readers whose parameters have their values, those whose buckets
  /// were added, those that are through; and the buckets added.
  private var readyReaders = 0
  private var addedReaders = 0
  private var finishedReaders = 0
  private var gathered = 0

  /// Polls that follow each other sooner are left out: they would cost more than they bring.
  private static let pollInterval = Duration.microseconds(30)

  init(
    communicator: any Communicator, kernels: Kernels, plan: ShardPlan, buckets: BucketPlan,
    elementCount: Int, usesThread: Bool, compression: GradientCompression? = nil
  ) {
    self.plan = buckets
    exchange = GradientExchange(
      communicator: communicator, kernels: kernels, elementCount: elementCount, plan: plan,
      buckets: buckets.buckets.map(\.elements), compression: compression)
    self.usesThread = usesThread && !exchange.isAlone
    if self.usesThread { thread = ProgressThread(exchange) }
  }

  /// What the first worker calls between time steps; nil where a thread of its own does it, or
  /// there is nobody to exchange with.
  var hook: ProgressHook? {
    if exchange.isAlone || thread != nil { return nil }
    return unsafe ProgressHook(Unmanaged.passUnretained(self).toOpaque()) { context in
      unsafe Unmanaged<OverlappedExchange>.fromOpaque(context)._withUnsafeGuaranteedRef {
        $0.poll()
      }
    }
  }

  /// Records what goes on, or nothing.
  func record(with timer: PhaseTimer, in timeline: Timeline?) {
    self.timer = timer
    lane = (exchange.isAlone ? nil : timeline?.lane("exchange")) ?? PhaseTimer()
    laneStart = 0
    thread?.record(with: timeline?.lane("exchange thread") ?? PhaseTimer())
  }

  /// The account, which begins anew; an exchange that is under way goes on in the next one.
  func takeAccount() -> Account {
    defer {
      exposedBefore -= account.exposed
      account = Account()
    }
    return account
  }

  /// The bytes of gradients and parameters that this rank has sent so far.
  var sentBytes: Int { exchange.sentBytes }

  // MARK: - Gradients

  func beginReduction(sums: UnsafePointer<UnsafeMutablePointer<Float>>) {
    unsafe exchange.beginReduction(partialSums: sums)
  }

  /// Starts the exchange of the buckets that a stage of the backward pass has completed.
  func complete(stage: Int) throws(CollectiveError) {
    guard !exchange.isAlone else { return }
    if underWaySince == nil { begin() }
    let before = threadProcessorTime()
    defer { account.exposed += threadProcessorTime() - before }
    for (bucket, entry) in plan.buckets.enumerated() where entry.stage == stage {
      try exchange.addToReduction(bucket)
    }
  }

  func finishReduction() throws(CollectiveError) {
    try wait { () throws(CollectiveError) in try exchange.finishReduction() }
    end(.gradientExchange)
  }

  // MARK: - Parameters

  func beginGathering(_ arena: UnsafeMutablePointer<Float>) {
    unsafe exchange.beginGathering(arena)
    readyReaders = 0
    addedReaders = 0
    finishedReaders = 0
    gathered = 0
  }

  /// Says that the owned parameters that a layer is the first to read have their values; layers in
  /// order. They leave as soon as those of the layers below have arrived: the next forward pass
  /// waits for layer 0 and has time for the others, so that nothing may take the network from it.
  func gather(reader: Int) throws(CollectiveError) {
    guard !exchange.isAlone else { return }
    if underWaySince == nil { begin() }
    readyReaders = reader + 1
    try addReaders()
  }

  private func addReaders() throws(CollectiveError) {
    let before = threadProcessorTime()
    defer { account.exposed += threadProcessorTime() - before }
    while addedReaders < min(readyReaders, finishedReaders + 1) {
      for (bucket, entry) in plan.buckets.enumerated() where entry.reader == addedReaders {
        try exchange.addToGathering(bucket)
        gathered += 1
      }
      addedReaders += 1
    }
  }

  /// Waits for all parameters that a layer reads; those of the layers below have been waited for.
  func finishGathering(reader: Int) throws(CollectiveError) {
    guard !exchange.isAlone, finishedReaders < readyReaders else { return }
    let count = plan.buckets.prefix { $0.reader <= reader }.count
    try wait { () throws(CollectiveError) in
      try exchange.finishGathering(first: min(count, gathered))
    }
    finishedReaders += 1
    try addReaders()
  }

  /// Waits until the gathering under way is done with.
  func finishGathering() throws(CollectiveError) {
    while finishedReaders < readyReaders { try finishGathering(reader: finishedReaders) }
    try wait { () throws(CollectiveError) in try exchange.finishGathering() }
    end(.parameterExchange)
  }

  // MARK: - While workers compute

  /// Lets the exchange go on by itself while `compute` runs.
  @inline(__always) func during(_ compute: () -> Void) throws(CollectiveError) {
    if let thread, exchange.isUnderWay {
      thread.resume()
      compute()
      if let error = thread.pause() { throw error }
    } else {
      compute()
    }
    if let failure { throw failure }
  }

  private func poll() {
    guard exchange.isUnderWay, failure == nil else { return }
    let now = ContinuousClock.now
    if now - lastPoll < Self.pollInterval { return }
    // Whoever shares the core may have it meanwhile: that is no time of the exchange.
    let before = threadProcessorTime()
    let kind = timer.interrupt(by: .messages)
    do throws(CollectiveError) {
      while try exchange.advance() {}
    } catch {
      failure = error
    }
    timer.resume(kind)
    account.exposed += threadProcessorTime() - before
    lastPoll = .now
  }

  /// Accounts for what else ranks do together.
  func exposed<Result>(
    _ body: () throws(CollectiveError) -> Result
  ) throws(CollectiveError) -> Result {
    if exchange.isAlone { return try body() }
    expose()
    defer { conceal() }
    return try body()
  }

  private func wait(
    _ body: () throws(CollectiveError) -> Void
  ) throws(CollectiveError) {
    if exchange.isAlone { return }
    expose()
    defer { conceal() }
    try body()
  }

  private func expose() { exposedSince = .now }

  private func conceal() {
    guard let since = exposedSince else { return }
    account.exposed += .now - since
    exposedSince = nil
  }

  private func begin() {
    underWaySince = .now
    laneStart = lane.now
    exposedBefore = account.exposed
  }

  private func end(_ kind: SpanKind) {
    guard let since = underWaySince else { return }
    underWaySince = nil
    lane.add(kind, since: laneStart, until: lane.now)
    let whole = ContinuousClock.now - since
    account.hidden += max(.zero, whole - (account.exposed - exposedBefore))
  }
}
