package import Kernels

/// Gradients and changes of parameters that travel as bf16, with error feedback (Seide et al.,
/// 2014).
///
/// Shards lie in groups, whose number the config fixes. The gradient sum of each group is rounded
/// to bf16 before it travels, together with what rounding has left out of it so far, its residual.
/// The rounded sums of all groups are added in fp32 by the canonical tree. A rank has whole groups,
/// so that the result is the same for any number of ranks.
///
/// All buffers are allocated by `init`.
@safe package final class GradientCompression {
  /// The groups of this rank among all.
  package let groups: Range<Int>
  package let elementCount: Int
  private let plan: ShardPlan
  private let kernels: Kernels
  private let fold: TreeFold
  /// Of each own group, what was left out up to the last step, and to the batch under way.
  private var residuals: AlignedBuffer
  private var workingResiduals: AlignedBuffer
  private let words: AlignedBuffer
  private let starts: UnsafeMutablePointer<Int>
  private let arenas: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let bucketCount: Int
  /// Elements that are summed at a time, to stay in cache.
  private static var chunk: Int { 4096 }
  /// Of each thread, room for a chunk of every group, and where each group's words and floats are.
  private let scratch: AlignedBuffer
  private let sources: UnsafeMutablePointer<UnsafePointer<UInt16>>
  private let sums: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

  /// Preconditions: every rank has whole groups; `elementCount` is a multiple of 16.
  package init(
    plan: ShardPlan, rank: Int, elementCount: Int, bucketCount: Int, kernels: Kernels
  ) {
    precondition(
      plan.groups.isMultiple(of: plan.ranks), "\(plan.ranks) ranks for \(plan.groups) groups")
    precondition(elementCount.isMultiple(of: 16), "\(elementCount) elements")
    self.plan = plan
    self.elementCount = elementCount
    self.kernels = kernels
    self.bucketCount = bucketCount
    let own = plan.groups / plan.ranks
    groups = rank * own..<(rank + 1) * own
    var fold = TreeFold(
      sources: plan.nodes(of: 0..<plan.shards), targets: [0..<plan.shards], total: plan.shards)
    fold.deliverResult(to: groups.lowerBound)
    self.fold = fold
    residuals = AlignedBuffer(count: own * elementCount)
    workingResiduals = AlignedBuffer(count: own * elementCount)
    words = AlignedBuffer(count: own * elementCount / 2)
    unsafe arenas = .allocate(capacity: own)
    for group in 0..<own {
      unsafe (arenas + group).initialize(to: words.pointer + group * elementCount / 2)
    }
    let blocks = (elementCount + canonicalBlock - 1) / canonicalBlock
    unsafe starts = .allocate(capacity: blocks + 1)
    for block in 0...blocks {
      unsafe (starts + block).initialize(to: min(elementCount, block * canonicalBlock) / 2)
    }
    scratch = AlignedBuffer(count: plan.threads * plan.groups * Self.chunk)
    unsafe sources = .allocate(capacity: plan.threads * plan.groups)
    unsafe sources.initialize(
      repeating: UnsafePointer(Self.halves(words.pointer)), count: plan.threads * plan.groups)
    unsafe sums = .allocate(capacity: plan.threads * plan.groups)
    for place in 0..<plan.threads * plan.groups {
      unsafe (sums + place).initialize(to: scratch.pointer + place * Self.chunk)
    }
  }

  deinit {
    unsafe arenas.deallocate()
    unsafe starts.deallocate()
    unsafe sources.deallocate()
    unsafe sums.deallocate()
  }

  /// All buckets, two elements in the place of one float.
  package var selected: SelectedElements {
    unsafe SelectedElements(bucketCount: bucketCount, starts: starts, arenas: arenas)
  }

  /// The residual of an own group, by its place among them: that of the last step.
  package func residual(_ index: Int) -> UnsafeMutablePointer<Float> {
    unsafe residuals.pointer + index * elementCount
  }

  private static func halves(_ words: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<UInt16> {
    unsafe UnsafeMutableRawPointer(words).assumingMemoryBound(to: UInt16.self)
  }

  private func halves(ofGroup index: Int) -> UnsafeMutablePointer<UInt16> {
    unsafe Self.halves(arenas[index])
  }

  // MARK: - Gradients

  /// Rounds `elements` of the sums of all own groups; bounds are multiples of 16.
  ///
  /// - Parameter isFirst: whether this is the first batch of a step, which may be taken back.
  package func pack(
    _ elements: Range<Int>, of nodes: UnsafePointer<UnsafeMutablePointer<Float>>, isFirst: Bool
  ) {
    for index in 0..<groups.count {
      let place = index * elementCount + elements.lowerBound
      let working = unsafe workingResiduals.pointer + place
      unsafe BF16Words.packSum(
        nodes[index] + elements.lowerBound, isFirst ? residuals.pointer + place : working,
        rest: working, into: halves(ofGroup: index) + elements.lowerBound, count: elements.count)
    }
  }

  /// Keeps what rounding has left out of the gradients of the step; without it, they never were.
  package func commit() { swap(&residuals, &workingResiduals) }

  /// Says where the words of a group of another rank lie, for the next `sum` of the first thread.
  func setWords(ofGroup group: Int, _ floats: UnsafeMutablePointer<Float>) {
    unsafe sources[group] = unsafe UnsafePointer(Self.halves(floats))
  }

  /// Adds the groups' words of `elements` into `arena`. The words of other ranks' groups are of
  /// these elements alone.
  package func sum(
    _ elements: Range<Int>, into arena: UnsafeMutablePointer<Float>, thread: Int = 0
  ) {
    let sources = unsafe sources + thread * plan.groups
    let sums = unsafe sums + thread * plan.groups
    for (index, group) in groups.enumerated() {
      unsafe sources[group] = unsafe UnsafePointer(halves(ofGroup: index) + elements.lowerBound)
    }
    var start = 0
    while start < elements.count {
      let count = min(Self.chunk, elements.count - start)
      unsafe sums[groups.lowerBound] = unsafe arena + elements.lowerBound + start
      for group in 0..<plan.groups {
        unsafe BF16Words.unpack(sources[group] + start, into: sums[group], count: count)
      }
      unsafe fold.run(sums, offset: 0, count: count, kernels: kernels)
      start += count
    }
  }

  // MARK: - Parameters

  /// Rounds the change from `old` to `new`, which begins with the first of `elements`.
  package func packChange(
    _ elements: Range<Int>, from old: UnsafePointer<Float>, to new: UnsafePointer<Float>
  ) {
    unsafe BF16Words.packDifference(
      new, old + elements.lowerBound, into: halves(ofGroup: 0) + elements.lowerBound,
      count: elements.count)
  }

  /// Adds the rounded change of `elements` to `parameters`.
  package func addChange(_ elements: Range<Int>, to parameters: UnsafeMutablePointer<Float>) {
    unsafe BF16Words.add(
      halves(ofGroup: 0) + elements.lowerBound, to: parameters + elements.lowerBound,
      count: elements.count)
  }
}
