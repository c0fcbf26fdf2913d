import Collectives
import GRUCore
import Kernels

/// The buckets in which gradients and parameters are exchanged: by layer, so that each can start as
/// soon as the backward pass is through with it, and be waited for no sooner than the forward pass
/// reads it.
struct BucketPlan: Equatable {
  struct Bucket: Equatable {
    /// Bounds are multiples of 4,096, or the end of the arena.
    var elements: Range<Int>
    /// The stage of the backward pass after which its gradients are complete.
    var stage: Int
    /// The first layer that reads its parameters.
    var reader: Int
  }

  /// In arena order. Readers never decrease.
  let buckets: [Bucket]

  /// - Parameters:
  ///   - segments: of the whole arena, in order.
  ///   - bucketElements: what a bucket should have at most, and neighbours together if they can.
  ///   - apart: an end of blocks that no bucket reaches across.
  init(segments: [BackwardStage.Segment], bucketElements: Int, apart: Int = 0) {
    var runs: [Bucket] = []
    let count = segments.last?.elements.upperBound ?? 0
    var first = 0
    for start in stride(from: 0, to: count, by: canonicalBlock) {
      let block = start..<min(count, start + canonicalBlock)
      // A block that several segments share is complete with the last, and read with the first.
      var run = Bucket(elements: block, stage: 0, reader: Int.max)
      while segments[first].elements.upperBound <= start { first += 1 }
      for segment in segments[first...] {
        if segment.elements.lowerBound >= block.upperBound { break }
        if segment.elements.isEmpty { continue }
        run.stage = max(run.stage, segment.stage)
        run.reader = min(run.reader, segment.reader)
      }
      if let last = runs.last, last.stage == run.stage, last.reader == run.reader,
        start != apart
      {
        runs[runs.count - 1].elements = last.elements.lowerBound..<block.upperBound
      } else {
        runs.append(run)
      }
    }
    buckets = Self.cut(Self.merge(runs, bucketElements, apart), bucketElements)
  }

  /// The places of a rank's owned elements that each reader is the first to read.
  func places(of slices: [Ownership.Slice], readers: Int) -> [Range<Int>] {
    var end = 0
    return (0..<readers).map { reader in
      let start = end
      for slice in slices where buckets[slice.bucket].reader == reader {
        end = slice.place + slice.elements.count
      }
      return start..<end
    }
  }

  /// Joins neighbours that are small enough together, or of which one is not worth a message.
  private static func merge(
    _ runs: [Bucket], _ bucketElements: Int, _ apart: Int
  ) -> [Bucket] {
    var merged: [Bucket] = []
    let lastStage = runs.map(\.stage).max() ?? 0
    let isOne = runs.reduce(0) { $0 + $1.elements.count } <= bucketElements
    for run in runs {
      guard let last = merged.last else {
        merged.append(run)
        continue
      }
      // Behind the last stage nothing hides: it gets no gradients that were complete before.
      let isSmall =
        last.elements.count + run.elements.count <= bucketElements
        && (isOne || last.stage == run.stage || max(last.stage, run.stage) < lastStage)
      // A large one must not wait for a small one, nor be waited for.
      let (large, small) = last.elements.count > run.elements.count ? (last, run) : (run, last)
      let isWorthless =
        small.elements.count <= max(canonicalBlock, bucketElements / 8)
        && small.stage <= large.stage && small.reader >= large.reader
      guard isSmall || isWorthless, last.elements.upperBound != apart else {
        merged.append(run)
        continue
      }
      merged[merged.count - 1] = Bucket(
        elements: last.elements.lowerBound..<run.elements.upperBound,
        stage: max(last.stage, run.stage), reader: min(last.reader, run.reader))
    }
    return merged
  }

  /// Cuts long runs into equal parts.
  private static func cut(_ runs: [Bucket], _ bucketElements: Int) -> [Bucket] {
    runs.flatMap { run -> [Bucket] in
      let blocks = (run.elements.count + canonicalBlock - 1) / canonicalBlock
      let room = max(1, bucketElements / canonicalBlock)
      let parts = (blocks + room - 1) / room
      return (0..<parts).map { part in
        func bound(_ part: Int) -> Int {
          min(
            run.elements.upperBound,
            run.elements.lowerBound + part * blocks / parts * canonicalBlock)
        }
        return Bucket(
          elements: bound(part)..<bound(part + 1), stage: run.stage, reader: run.reader)
      }
    }
  }
}
