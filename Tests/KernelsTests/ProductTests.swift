import Kernels
import Testing

/// C = start + A · B against a scalar triple loop over fused multiply-adds, bit for bit.
@Suite struct ProductTests {
  static let rowCounts = [0, 1, 5, 6, 7, 11, 12, 13, 24, 25, 64]
  static let columnCounts = [16, 32, 48, 80, 208]
  static let segmentLengths = [0, 1, 2, 17, 64, 129]

  @Test(arguments: ProductProblem.Start.allCases, 1...3)
  func equalsAScalarTripleLoop(start: ProductProblem.Start, segments: Int) {
    for length in Self.segmentLengths {
      let problem = ProductProblem(
        rows: 64, columns: 208, segments: segments, segmentLength: length, start: start)
      let expected = problem.reference()
      for set in InstructionSet.available {
        let kernels = Kernels(set)
        for columns in Self.columnCounts {
          let packed = problem.packed(columns: columns, panelWidth: kernels.panelWidth)
          for rows in Self.rowCounts {
            let difference = problem.difference(
              kernels, packed: packed, rows: rows, columns: columns, expected: expected)
            #expect(
              difference == nil,
              "\(set.rawValue) rows \(rows) columns \(columns) length \(length)")
          }
        }
      }
    }
  }

  @Test func chainsMayBeResumed() {
    let rows = 13
    let columns = 48
    let problem = ProductProblem(
      rows: rows, columns: columns, segments: 2, segmentLength: 40, start: .none)
    let expected = problem.reference()
    for set in InstructionSet.available {
      let kernels = Kernels(set)
      let c = GuardedFloats(outputCount: rows * columns)
      for segment in 0..<2 {
        let half = packedPanels(columns: columns, depth: 40, panelWidth: kernels.panelWidth) {
          problem.b[(segment * 40 + $0) * columns + $1]
        }
        let packed = GuardedFloats(half)
        kernels.product(
          ProductArguments(
            rows: rows, columns: columns, segments: 1, segmentLength: 40, segmentStride: 0,
            a: problem.a.pointer + segment * problem.segmentStride, aStride: problem.aStride,
            b: packed.pointer, start: segment == 0 ? nil : UnsafePointer(c.pointer),
            startStride: columns, c: c.pointer, cStride: columns))
      }
      #expect(firstDifference(c.values, expected) == nil, "\(set.rawValue)")
    }
  }
}

/// A product whose first rows and columns are products of every smaller size.
struct ProductProblem {
  /// Where the chains start.
  enum Start: CaseIterable { case none, bias, matrix, inPlace }

  let rows: Int
  let columns: Int
  let segments: Int
  let segmentLength: Int
  let start: Start
  let a: GuardedFloats
  /// [depth, columns], not packed.
  let b: [Float]
  /// [rows, columns], or one row for a bias.
  let startValues: [Float]

  var segmentStride: Int { segmentLength + 5 }
  var aStride: Int { segments * segmentStride + 3 }
  var depth: Int { segments * segmentLength }

  init(rows: Int, columns: Int, segments: Int, segmentLength: Int, start: Start) {
    var random = SeededRandom(UInt64(segments * 1000 + segmentLength))
    self.rows = rows
    self.columns = columns
    self.segments = segments
    self.segmentLength = segmentLength
    self.start = start
    let segmentStride = segmentLength + 5
    let aStride = segments * segmentStride + 3
    var a = [Float](repeating: .nan, count: rows * aStride)
    for row in 0..<rows {
      for segment in 0..<segments {
        for k in 0..<segmentLength {
          a[row * aStride + segment * segmentStride + k] = Float.random(in: -1...1, using: &random)
        }
      }
    }
    self.a = GuardedFloats(a)
    b = random.floats(segments * segmentLength * columns)
    startValues = random.floats(start == .bias ? columns : rows * columns)
  }

  /// The first `columns` columns of B in panels.
  func packed(columns: Int, panelWidth: Int) -> GuardedFloats {
    GuardedFloats(
      packedPanels(columns: columns, depth: depth, panelWidth: panelWidth) {
        b[$0 * self.columns + $1]
      })
  }

  /// C by scalar chains, k ascending.
  func reference() -> [Float] {
    var c = [Float](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      for n in 0..<columns {
        switch start {
        case .none: break
        case .bias: c[row * columns + n] = startValues[n]
        case .matrix, .inPlace: c[row * columns + n] = startValues[row * columns + n]
        }
      }
      for k in 0..<depth {
        let offset = (k / segmentLength) * segmentStride + k % segmentLength
        let x = a.pointer[row * aStride + offset]
        for n in 0..<columns {
          c[row * columns + n] = c[row * columns + n].addingProduct(x, b[k * columns + n])
        }
      }
    }
    return c
  }

  /// How the kernel's C, and what lies around it, differs from `expected`.
  func difference(
    _ kernels: Kernels, packed: GuardedFloats, rows: Int, columns: Int, expected: [Float]
  ) -> String? {
    let cStride = columns + 7
    let c = GuardedFloats(outputCount: rows * cStride)
    var whole = c.values
    for row in 0..<rows {
      for n in 0..<columns {
        whole[row * cStride + n] = expected[row * self.columns + n]
        if start == .inPlace { c.pointer[row * cStride + n] = startValues[row * self.columns + n] }
      }
    }
    startValues.withUnsafeBufferPointer { values in
      let startPointer: UnsafePointer<Float>?
      let startStride: Int
      switch start {
      case .none: (startPointer, startStride) = (nil, 0)
      case .bias: (startPointer, startStride) = (values.baseAddress, 0)
      case .matrix: (startPointer, startStride) = (values.baseAddress, self.columns)
      case .inPlace: (startPointer, startStride) = (UnsafePointer(c.pointer), cStride)
      }
      kernels.product(
        ProductArguments(
          rows: rows, columns: columns, segments: segments, segmentLength: segmentLength,
          segmentStride: segmentStride, a: a.pointer, aStride: aStride, b: packed.pointer,
          start: startPointer, startStride: startStride, c: c.pointer, cStride: cStride))
    }
    if !c.guardsAreIntact { return "written outside C" }
    return firstDifference(c.values, whole)
  }
}
