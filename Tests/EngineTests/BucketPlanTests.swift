import Cells
import GRUCore
import Kernels
import Testing

@testable import Engine

@Suite struct BucketPlanTests {
  private static let shapes = [
    shape(.gruResetBefore, layers: 2), shape(.gruResetAfter, layers: 3), shape(.rnn, layers: 1),
    shape(.lstm, layers: 2), shape(.minGRU, layers: 2),
    shape(.gruResetBefore, layers: 1, vocabulary: 5000, hidden: 3),
  ]

  private static func shape(
    _ cell: Cell, layers: Int, vocabulary: Int = 97, hidden: Int = 130
  ) -> ModelShape {
    ModelShape(
      cell: cell, vocabularySize: vocabulary, embeddingSize: 33, hiddenSize: hidden,
      layerCount: layers)
  }

  @Test(arguments: shapes) func segmentsAreContiguousAndHoldWhatTheirStageCompletes(
    shape: ModelShape
  ) {
    let table = ParameterTable(shape: shape)
    let segments = BackwardStage.segments(of: shape, table: table)
    #expect(segments.first?.elements.lowerBound == 0)
    #expect(segments.last?.elements.upperBound == table.elementCount)
    for (one, next) in zip(segments, segments.dropFirst()) {
      #expect(one.elements.upperBound == next.elements.lowerBound)
      #expect(one.reader <= next.reader)
    }
    #expect(Set(segments.map(\.stage)) == Set(BackwardStage.stages(of: shape).indices))
    func segment(_ name: String) -> BackwardStage.Segment? {
      segments.first { $0.elements.contains(table[name].offset) }
    }
    #expect(segment("embedding.weight")?.reader == 0)
    #expect(segment("output.weight")?.stage == 0)
    #expect(segment("output.weight")?.reader == shape.layerCount)
  }

  /// No bucket is exchanged before its gradients are complete, or read before it is there.
  @Test(arguments: shapes) func bucketsAreNeitherTooEarlyNorTooLate(shape: ModelShape) {
    let table = ParameterTable(shape: shape)
    let segments = BackwardStage.segments(of: shape, table: table)
    for bucketElements in [1, 4096, 10_000, 100_000, 1 << 30] {
      let buckets = BucketPlan(segments: segments, bucketElements: bucketElements).buckets
      var end = 0
      for (number, bucket) in buckets.enumerated() {
        #expect(bucket.elements.lowerBound == end)
        end = bucket.elements.upperBound
        #expect(end % canonicalBlock == 0 || end == table.elementCount)
        let held = segments.filter { $0.elements.overlaps(bucket.elements) }
        #expect(held.allSatisfy { $0.stage <= bucket.stage && $0.reader >= bucket.reader })
        #expect(held.contains { $0.reader == bucket.reader } || number > 0)
        if number > 0 { #expect(buckets[number - 1].reader <= bucket.reader) }
        #expect(bucket.elements.count <= max(2 * canonicalBlock, bucketElements))
      }
      #expect(end == table.elementCount)
    }
    let whole = BucketPlan(segments: segments, bucketElements: 1 << 30).buckets
    #expect(whole.count == 1)
  }

  @Test func bucketsFollowTheLayersOfARealModel() {
    let shape = Self.shape(.gruResetBefore, layers: 2, vocabulary: 256, hidden: 512)
    let segments = BackwardStage.segments(of: shape, table: ParameterTable(shape: shape))
    let buckets = BucketPlan(segments: segments, bucketElements: 1 << 18).buckets
    #expect(Set(buckets.map(\.reader)) == [0, 1, 2])
    // What is complete last, and so hides behind nothing, is a small part of the whole.
    let last = buckets.filter { $0.stage == BackwardStage.stages(of: shape).count - 1 }
      .reduce(0) { $0 + $1.elements.count }
    #expect(last * 8 < ParameterTable(shape: shape).elementCount)
  }

  @Test func noBucketCrossesTheEndOfARowExchangedEmbedding() {
    let shape = Self.shape(.gruResetBefore, layers: 1, vocabulary: 500, hidden: 3)
    let table = ParameterTable(shape: shape)
    let segments = BackwardStage.segments(of: shape, table: table)
    let apart = table.embeddingWeight.count / canonicalBlock * canonicalBlock
    for bucketElements in [1, 4096, 10_000, 1 << 30] {
      let buckets = BucketPlan(
        segments: segments, bucketElements: bucketElements, apart: apart
      ).buckets
      #expect(buckets.contains { $0.elements.upperBound == apart })
      let own = buckets.filter { $0.elements.upperBound <= apart }
      #expect(Set(own.map(\.stage)).count == 1)
      #expect(own.allSatisfy { $0.reader == 0 })
    }
  }
}
