#if arch(x86_64)
  public import CPlatform
  import SIMDKernels

  private let maximumRows = 12

  /// An AVX-512 table whose matrix kernels round both operands to bf16 and sum in fp32. All that is
  /// not a matrix product stays fp32.
  public func roundingOperands(of reference: KernelTable) -> KernelTable {
    var table = reference
    table.floatsPerPair = 1
    table.product = { product(PairTiles.self, maximumRows: maximumRows, $0.arguments()) }
    table.roundRows = { narrowRows($0.arguments(), first: $1, count: $2, to: $3, stride: $4) }
    table.packTransposed = { packTransposedPairs($0.arguments()) }
    table.packRows = { packRowPairs($0.arguments()) }
    table.packShardColumns = {
      packShardColumnPairs(
        $0.arguments(), columns: $1, panelWidth: PairTiles.Wide.Columns.width, to: $2)
    }
    table.weightGradient = {
      weightGradient(PairTiles.self, maximumRows: maximumRows, $0.arguments())
    }
    table.multiplyAddChains = { dotChains($0) }
    return table
  }

  /// Rounds some rows of A to pairs; see `KernelTable.roundRows`.
  private func narrowRows(
    _ p: UnsafePointer<ProductArguments>, first: Int, count: Int,
    to copy: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let depth = p.pointee.segments * p.pointee.segmentLength
    var row = 0
    while row < count {
      narrowRow(p, row: first + row, depth: depth, to: copy + row * stride)
      row += 1
    }
  }

  /// Rounds one row of A, its segments one after the other, and pads it to whole pairs by 0.
  @inline(__always)
  private func narrowRow(
    _ p: UnsafePointer<ProductArguments>, row: Int, depth: Int, to out: UnsafeMutablePointer<Float>
  ) {
    let raw = UnsafeMutableRawPointer(out)
    let length = p.pointee.segmentLength
    var segment = 0
    while segment < p.pointee.segments {
      let source = p.pointee.a + row * p.pointee.aStride + segment * p.pointee.segmentStride
      let target = raw + 2 * segment * length
      var k = 0
      while k + 32 <= length {
        let numbers = platform_narrow(loadLanes(source + k), loadLanes(source + k + 16))
        (target + 2 * k).storeBytes(of: numbers, as: Lanes.self)
        k += 32
      }
      while k < length {
        let bits = platform_pairs(Lanes(repeating: source[k]), Lanes())[0].bitPattern
        (target + 2 * k).storeBytes(of: UInt16(truncatingIfNeeded: bits), as: UInt16.self)
        k += 1
      }
      segment += 1
    }
    if depth % 2 == 1 { (raw + 2 * depth).storeBytes(of: 0, as: UInt16.self) }
  }

  /// As `multiplyAddChains` with pair products, 4 FLOPs a lane and step. They take longer than
  /// fused multiply-adds, so that a round runs twice as many chains, two steps of twelve.
  private func dotChains(_ iterations: Int) -> Float {
    // The pairs (1, 2^-8) and (2^-100, 2^-100): sums stay small.
    let x = Lanes(repeating: Float(bitPattern: 0x3b80_3f80))
    let y = Lanes(repeating: Float(bitPattern: 0x0d80_0d80))
    typealias Four = (Lanes, Lanes, Lanes, Lanes)
    func start(_ value: Float) -> Four {
      // Different starts, so that no chain is another one.
      (lanes(value), lanes(value + 1), lanes(value + 2), lanes(value + 3))
    }
    func step(_ sums: inout Four) {
      sums.0 = platform_dot_pairs(sums.0, x, y)
      sums.1 = platform_dot_pairs(sums.1, y, x)
      sums.2 = platform_dot_pairs(sums.2, x, x)
      sums.3 = platform_dot_pairs(sums.3, y, y)
    }
    var a = start(0)
    var b = start(4)
    var c = start(8)
    var d = start(12)
    var e = start(16)
    var f = start(20)
    var i = 0
    while i < iterations {
      step(&a)
      step(&b)
      step(&c)
      step(&d)
      step(&e)
      step(&f)
      i += 2
    }
    func sum(_ four: Four) -> Lanes { (four.0 + four.1) + (four.2 + four.3) }
    return ((sum(a) + sum(b)) + (sum(c) + sum(d)) + (sum(e) + sum(f)))[0]
  }
#endif
