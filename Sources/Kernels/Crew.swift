import CPlatform
import Synchronization

/// Threads that compute together what is one worker's: the worker's own, which goes through its
/// program, and helpers, which take parts of every large kernel's outputs. All members have as many
/// parts of a kernel; each claims its own first, and then what nobody has claimed, so that nobody
/// waits for a helper that has no core, and not for long for one whose core is slow for a while.
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
    let ticket = state.pointee.post(CrewTask(.none, UnsafeRawPointer(state)), partsOfEach: 1)
    if state.pointee.claim(0, of: 0, ticket) != nil { state.pointee.finishParts(1) }
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
    while let ticket = state.pointee.nextTicket(of: member) {
      kernels.performParts(ticket, member: member, of: state)
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

/// The number of a kernel that was shared, which grows, and how many of its parts each member has:
/// one word, so that who comes late and reads it knows both of the same kernel.
struct CrewTicket: Equatable {
  /// Most parts of each member.
  static let mostParts = 8
  let word: Int

  init(word: Int) { self.word = word }

  init(number: Int, partsOfEach: Int) { word = number << 4 | partsOfEach }

  var number: Int { word >> 4 }
  var partsOfEach: Int { word & 15 }
}

/// What the members share. Member 0 writes `task` while no part of the one before is under way, and
/// publishes it by `ticket`; it is read by those who have claimed a part of it.
struct CrewState: ~Copyable {
  private typealias CacheLine = (Int, Int, Int, Int, Int, Int, Int, Int)

  let memberCount: Int
  let scratch: UnsafeMutablePointer<Float>
  let scratchStride: Int
  /// Whether helpers serve; of member 0 alone.
  var isOpen = false
  /// What members record with; written while the crew is closed.
  var timers = TeamTimers()
  /// The last ticket that each helper has seen, and how often it has gone, in a cache line of its
  /// own.
  private let seen: UnsafeMutablePointer<Int>
  /// The last ticket by which each part was claimed: a cache line for each member's, which is its
  /// own until another one helps out.
  private let claims: UnsafeMutablePointer<Atomic<Int>>
  private let task: UnsafeMutablePointer<CrewTask>
  private let ticket = Atomic<Int>(0)
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
    let lines = UnsafeMutableRawPointer.allocate(byteCount: 64 * memberCount, alignment: 64)
    claims = lines.assumingMemoryBound(to: Atomic<Int>.self)
    for part in 0..<8 * memberCount { (claims + part).initialize(to: Atomic(0)) }
    task = .allocate(capacity: 1)
    task.initialize(to: CrewTask(.none, UnsafeRawPointer(scratch)))
  }

  func deallocate() {
    seen.deallocate()
    claims.deinitialize(count: 8 * memberCount)
    UnsafeMutableRawPointer(claims).deallocate()
    task.deallocate()
  }

  var taskCount: Int { CrewTicket(word: ticket.load(ordering: .relaxed)).number }

  /// The scratch of a helper.
  func scratch(of member: Int) -> UnsafeMutablePointer<Float> {
    scratch + (member - 1) * scratchStride
  }

  /// Publishes a kernel, whose parts anybody may claim.
  func post(_ next: CrewTask, partsOfEach: Int) -> CrewTicket {
    task.pointee = next
    task.pointee.span = timers[0].kind
    remaining.store(partsOfEach * memberCount, ordering: .relaxed)
    let own = CrewTicket(number: taskCount + 1, partsOfEach: partsOfEach)
    ticket.store(own.word, ordering: .sequentiallyConsistent)
    room.wake()
    return own
  }

  /// Lets every helper go, when it has nothing under way.
  func dismiss() {
    dismissals.wrappingAdd(1, ordering: .sequentiallyConsistent)
    room.wake()
  }

  /// Claims one of the parts that fall to a member.
  ///
  /// - Returns: the kernel; nil where somebody has claimed the part. All parts of a kernel are
  ///   claimed before there is another, so that who comes late gets none.
  @inline(__always)
  func claim(_ part: Int, of member: Int, _ ticket: CrewTicket) -> CrewTask? {
    let claim = claims + (8 * member + part)
    let last = claim.pointee.load(ordering: .relaxed)
    guard last < ticket.word,
      claim.pointee.compareExchange(
        expected: last, desired: ticket.word, ordering: .sequentiallyConsistent
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
  func nextTicket(of member: Int) -> CrewTicket? {
    let own = seen + 8 * member
    let (last, left) = (own[0], own[1])
    room.wait {
      ticket.load(ordering: .sequentiallyConsistent) != last
        || dismissals.load(ordering: .sequentiallyConsistent) != left
    }
    let next = ticket.load(ordering: .sequentiallyConsistent)
    if next != last {
      own[0] = next
      return CrewTicket(word: next)
    }
    own[1] = left + 1
    return nil
  }

  /// Says that a member has done so many parts.
  func finishParts(_ count: Int) {
    let before = remaining.wrappingSubtract(count, ordering: .sequentiallyConsistent).oldValue
    if before == count { room.wake() }
  }
}
