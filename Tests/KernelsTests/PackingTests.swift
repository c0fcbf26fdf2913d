import Kernels
import Testing

/// The packed form of a right operand by its definition: panels of `panelWidth` columns, each
/// [depth][width], the last one perhaps narrower. `element` is told k and the column.
func packedPanels(
  columns: Int, depth: Int, panelWidth: Int, element: (Int, Int) -> Float
) -> [Float] {
  var packed: [Float] = []
  packed.reserveCapacity(columns * depth)
  var column = 0
  while column < columns {
    let width = min(panelWidth, columns - column)
    for k in 0..<depth {
      for j in 0..<width { packed.append(element(k, column + j)) }
    }
    column += width
  }
  return packed
}

@Suite struct PackingTests {
  static let realColumns = [1, 5, 16, 17, 33, 48]
  static let depths = [0, 1, 7, 64]

  /// A matrix [rows, columns] with rows `stride` apart and NaN between them.
  private func matrix(rows: Int, columns: Int, stride: Int, seed: UInt64) -> GuardedFloats {
    var random = SeededRandom(seed)
    var values = [Float](repeating: .nan, count: rows * stride)
    for row in 0..<rows {
      for column in 0..<columns {
        values[row * stride + column] = Float.random(in: -1...1, using: &random)
      }
    }
    return GuardedFloats(values)
  }

  @Test(arguments: InstructionSet.available, [1, 3])
  func transposedPanelsHoldEachGroupPaddedWithZeros(set: InstructionSet, groups: Int) {
    let kernels = Kernels(set)
    for real in Self.realColumns {
      for depth in Self.depths {
        let width = (real + 15) / 16 * 16
        let stride = depth + 3
        let source = matrix(rows: groups * real, columns: depth, stride: stride, seed: 1)
        let expected = packedPanels(
          columns: groups * width, depth: depth, panelWidth: kernels.panelWidth
        ) { k, column in
          let (group, j) = column.quotientAndRemainder(dividingBy: width)
          return j < real ? source.pointer[(group * real + j) * stride + k] : 0
        }
        checkInParts(kernels, columns: groups * width, depth: depth, expected: expected) {
          kernels.packTransposed(
            PackArguments(
              source: source.pointer, sourceStride: stride, depth: depth, groups: groups,
              groupColumns: real, groupWidth: width, panelWidth: kernels.panelWidth,
              destination: $0, firstPanel: $1.lowerBound, endPanel: $1.upperBound))
        }
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func plainPanelsHoldColumnsPaddedWithZeros(set: InstructionSet) {
    let kernels = Kernels(set)
    for real in Self.realColumns {
      for depth in Self.depths {
        let width = (real + 15) / 16 * 16
        let stride = real + 3
        let source = matrix(rows: depth, columns: real, stride: stride, seed: 2)
        let expected = packedPanels(columns: width, depth: depth, panelWidth: kernels.panelWidth) {
          $1 < real ? source.pointer[$0 * stride + $1] : 0
        }
        checkInParts(kernels, columns: width, depth: depth, expected: expected) {
          kernels.packRows(
            PackArguments(
              source: source.pointer, sourceStride: stride, depth: depth, groups: 1,
              groupColumns: real, groupWidth: width, panelWidth: kernels.panelWidth,
              destination: $0, firstPanel: $1.lowerBound, endPanel: $1.upperBound))
        }
      }
    }
  }

  /// Packs all panels at once and in two parts, and expects each part to write its own alone.
  private func checkInParts(
    _ kernels: Kernels, columns: Int, depth: Int, expected: [Float],
    pack: (UnsafeMutablePointer<Float>, Range<Int>) -> Void
  ) {
    let panels = (columns + kernels.panelWidth - 1) / kernels.panelWidth
    let whole = GuardedFloats(outputCount: columns * depth)
    pack(whole.pointer, 0..<panels)
    #expect(firstDifference(whole.values, expected) == nil)
    #expect(whole.guardsAreIntact)

    let half = panels / 2
    let cut = min(half * kernels.panelWidth, columns) * depth
    let parts = GuardedFloats(outputCount: columns * depth)
    let untouched = [Float](repeating: GuardedFloats.outputGuard, count: columns * depth - cut)
    pack(parts.pointer, 0..<half)
    #expect(firstDifference(parts.values, Array(expected[..<cut]) + untouched) == nil)
    pack(parts.pointer, half..<panels)
    #expect(firstDifference(parts.values, expected) == nil)
    #expect(parts.guardsAreIntact)
  }

  @Test(arguments: InstructionSet.available)
  func everyShardHasPanelsOfItsRowsByTimeThenSequence(set: InstructionSet) {
    let kernels = Kernels(set)
    for (shards, perShard, timeSteps) in [(1, 1, 1), (2, 3, 5), (5, 2, 4), (8, 1, 3)] {
      for columns in [16, 32, 48, 208] {
        let sequences = shards * perShard
        let stride = columns + 3
        let source = matrix(
          rows: timeSteps * sequences, columns: columns, stride: stride, seed: 3)
        let depth = timeSteps * perShard
        let expected = (0..<shards).flatMap { shard in
          packedPanels(columns: columns, depth: depth, panelWidth: kernels.panelWidth) {
            k, column in
            let (t, b) = k.quotientAndRemainder(dividingBy: perShard)
            return source.pointer[(t * sequences + shard * perShard + b) * stride + column]
          }
        }
        let packed = GuardedFloats(outputCount: shards * columns * depth)
        kernels.packShardColumns(
          ShardRows(
            base: source.pointer, stride: stride, timeSteps: timeSteps, sequences: sequences,
            sequencesPerShard: perShard), columns: columns, to: packed.pointer)
        #expect(firstDifference(packed.values, expected) == nil)
        #expect(packed.guardsAreIntact)
      }
    }
  }
}
