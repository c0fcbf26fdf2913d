import CPlatform
import Synchronization

/// Threads that compute together what is one worker's: the worker's own, which goes through its
/// program, and helpers, which take their parts of every large kernel's outputs.
///
/// A part is whole chains, and who computes an output changes no bit. Nothing is allocated, locked
/// or counted from task to task, which follow each other within some hundred nanoseconds.
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

  /// Kernels that have been shared, and times that the crew was closed.
  package var taskCount: Int { state.pointee.taskCount }

  /// Shares kernels from here on: every helper serves, or is about to. Member 0 calls it.
  package func open() { state.pointee.isOpen = memberCount > 1 }

  /// Lets the helpers go. Member 0 calls it, and opens the crew again only when all have gone.
  package func close() {
    guard state.pointee.isOpen else { return }
    state.pointee.isOpen = false
    state.pointee.post(CrewTask(.leave, UnsafeRawPointer(state)))
  }

  /// Takes a helper's parts of all kernels until the crew is closed.
  package func serve(member: Int, _ kernels: Kernels) {
    precondition(member > 0, "member \(member) is no helper")
    precondition(member < memberCount, "member \(member) of \(memberCount)")
    while true {
      let task = state.pointee.nextTask(of: member)
      if task.kind == .leave { return }
      kernels.perform(task, member: member, of: state)
      state.pointee.finishPart()
    }
  }
}

/// A kernel that a crew shares, and its arguments, which stay until all have done their parts.
struct CrewTask {
  enum Kind {
    case leave, product, weightGradient, packShardColumns, gates, softmaxCrossEntropy
    case softmaxBlock, softmaxBlockGradient, valueLoss, normalize, normalizeBackward, dropRows
    case copyRows
  }

  var kind: Kind
  var arguments: UnsafeRawPointer
  /// The number of a gate function, or the columns that are packed.
  var number = 0
  /// Where columns are packed to.
  var output: UnsafeMutablePointer<Float>?

  init(_ kind: Kind, _ arguments: UnsafeRawPointer) {
    self.kind = kind
    self.arguments = arguments
  }
}

/// What the members share. Member 0 writes `task` while no helper looks, and publishes it by
/// `generation`.
struct CrewState: ~Copyable {
  private typealias CacheLine = (Int, Int, Int, Int, Int, Int, Int, Int)

  let memberCount: Int
  let scratch: UnsafeMutablePointer<Float>
  let scratchStride: Int
  /// Whether helpers serve; of member 0 alone.
  var isOpen = false
  /// The last generation that each helper has seen, each in a cache line of its own.
  let seen: UnsafeMutablePointer<Int>
  private let task: UnsafeMutablePointer<CrewTask>
  private let generation = Atomic<Int>(0)
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
    task = .allocate(capacity: 1)
    task.initialize(to: CrewTask(.leave, UnsafeRawPointer(scratch)))
  }

  func deallocate() {
    seen.deallocate()
    task.deallocate()
  }

  var taskCount: Int { generation.load(ordering: .relaxed) }

  /// The scratch of a helper.
  func scratch(of member: Int) -> UnsafeMutablePointer<Float> {
    scratch + (member - 1) * scratchStride
  }

  /// Gives the helpers something to do.
  func post(_ next: CrewTask) {
    task.pointee = next
    remaining.store(memberCount - 1, ordering: .relaxed)
    generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
    room.wake()
  }

  /// Returns when all helpers have done their parts.
  func waitForParts() {
    room.wait { remaining.load(ordering: .sequentiallyConsistent) == 0 }
  }

  /// Waits for what a helper is to do next.
  func nextTask(of member: Int) -> CrewTask {
    let last = seen[8 * member]
    room.wait { generation.load(ordering: .sequentiallyConsistent) != last }
    seen[8 * member] = last &+ 1
    return task.pointee
  }

  /// Says that a helper has done its part.
  func finishPart() {
    let before = remaining.wrappingSubtract(1, ordering: .sequentiallyConsistent).oldValue
    if before == 1 { room.wake() }
  }
}
