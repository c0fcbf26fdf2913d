import Kernels
import Testing

/// Every instruction set's a · b + c is rounded once, bit for bit: where there is no instruction
/// for it, it is made of double precision.
@Suite struct MultiplyAddTests {
  /// What is hard for an emulation, where rounding twice errs, too.
  enum Numbers: CaseIterable {
    case anything, ordinary, tinyProducts, denormal, special, fewBits, huge, halves

    func next(_ random: inout SeededRandom) -> Float {
      let bits = UInt32.random(in: 0...UInt32.max, using: &random)
      func with(_ exponents: ClosedRange<UInt32>, _ significand: UInt32) -> Float {
        let exponent = UInt32.random(in: exponents, using: &random)
        return Float(bitPattern: bits & 0x8000_0000 | exponent << 23 | significand)
      }
      switch self {
      case .anything: return Float(bitPattern: bits)
      case .ordinary: return with(120...135, bits & 0x7f_ffff)
      case .tinyProducts: return with(60...69, bits & 0x7f_ffff)
      case .denormal: return Float(bitPattern: bits & 0x807f_ffff)
      case .special:
        return [
          0, -0.0, .infinity, -.infinity, .nan, 1, -1, .leastNonzeroMagnitude, 0x1p-24, -0x1p-25,
          .leastNormalMagnitude, .leastNormalMagnitude.nextDown, .greatestFiniteMagnitude,
        ].randomElement(using: &random) ?? 0
      case .fewBits: return with(100...160, (bits & 7) << UInt32.random(in: 0...20, using: &random))
      case .huge: return with(190...254, bits & 0x7f_ffff)
      case .halves:
        // 1 + 2^-j or 2 - 2^(1-j): the product of one of each is a power of two but for 2^-2j.
        let j = UInt32.random(in: 15...23, using: &random)
        return with(100...150, bits & 1 == 0 ? 1 << (23 - j) : ((1 << (j - 1)) - 1) << (24 - j))
      }
    }
  }

  /// c near or far from a · b, so that sums cancel, or end halfway between two floats.
  private func addend(_ a: Float, _ b: Float, _ random: inout SeededRandom) -> Float {
    let product = Double(a) * Double(b)
    if !product.isFinite || product == 0 { return 1 }
    let near = -Float(product)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return near
    case 1: return near.nextUp
    default:
      let exponent = Int(product.exponent) + Int.random(in: 20...54, using: &random)
      let significand: Float = Bool.random(using: &random) ? 1 : 1.5
      return Float(sign: .plus, exponent: exponent, significand: significand)
    }
  }

  /// c + a · b of every row and column, by the kernel of products.
  private func sums(_ a: [Float], _ b: [Float], _ c: [Float], _ kernels: Kernels) -> [Float] {
    let columns = b.count
    let packed = GuardedFloats(outputCount: columns)
    let right = GuardedFloats(b)
    kernels.packRows(
      PackArguments(
        source: right.pointer, sourceStride: columns, depth: 1, groups: 1, groupColumns: columns,
        groupWidth: columns, panelWidth: kernels.panelWidth, destination: packed.pointer,
        firstPanel: 0, endPanel: (columns + kernels.panelWidth - 1) / kernels.panelWidth))
    let left = GuardedFloats(a)
    let start = GuardedFloats(c)
    let result = GuardedFloats(outputCount: c.count)
    kernels.product(
      ProductArguments(
        rows: a.count, columns: columns, segments: 1, segmentLength: 1, segmentStride: 0,
        a: left.pointer, aStride: 1, b: packed.pointer, start: start.pointer,
        startStride: columns, c: result.pointer, cStride: columns))
    #expect(result.guardsAreIntact)
    return result.values
  }

  /// a · b + c, and what it is.
  struct Case: Sendable {
    var a, b, c, sum: Float
  }

  /// Worked out by hand. `up` · `down` is 1 - 2^-46, and 97 · 172961 is 2^24 + 1.
  static let cases: [Case] = {
    let (up, down) = (1 + Float(0x1p-23), 1 - Float(0x1p-23))
    let (least, normal) = (Float.leastNonzeroMagnitude, Float.leastNormalMagnitude)
    let (most, infinity) = (Float.greatestFiniteMagnitude, Float.infinity)
    let halfway: (Float, Float) = (97 * 0x1p-12, 172961 * 0x1p-12)
    var cases: [Case] = []
    func add(_ a: Float, _ b: Float, _ c: Float, _ sum: Float) {
      cases.append(Case(a: a, b: b, c: c, sum: sum))
    }
    // Halfway between two floats: to the even one.
    add(0x1p-12, 0x1p-12, 1, 1)
    add(0x1p-12, 0x1p-12, up, 1 + 0x1p-22)
    add(halfway.0, halfway.1, 0, 1)
    add(-halfway.0, halfway.1, 0, -1)
    // Beside halfway by less than double precision holds.
    add(up, down * 0x1p-24, up, up)
    add(-up, down * 0x1p-24, -up, -up)
    add(halfway.0, halfway.1, 0x1p-60, up)
    add(halfway.0, halfway.1, -0x1p-60, 1)
    add(-halfway.0, halfway.1, -0x1p-60, -up)
    add(-halfway.0, halfway.1, 0x1p-60, -1)
    add(halfway.0, halfway.1, least, up)
    add(halfway.0, halfway.1, -least, 1)
    // Denormal results: halfway, beside it, and beside it by less than double precision holds.
    add(0x1p-75, 0x1p-75, 0, 0)
    add(0x1p-75, 0x1p-75, least, 2 * least)
    add(-0x1p-75, 0x1p-75, -least, -2 * least)
    add(0x1p-75 * up, 0x1p-75, 0, least)
    add(0x1p-75 * up, 0x1p-75 * down, normal.nextDown, normal.nextDown)
    add(0x1p-75 * up, 0x1p-75 * up, normal.nextDown, normal)
    add(0x1p-75, 0x1p-75, normal.nextDown, normal)
    add(0x1p-75 * up, 0x1p-75 * down, normal, normal)
    add(least, 0.5, least, 2 * least)
    add(normal, 0.5, 0, 0x1p-127)
    add(least, 0x1p-1, normal, normal)
    add(least, -0x1p100, 0, -0x1p-49)
    // Zeros have the sign of what was too small, and +0 is the sum of opposites.
    add(least, least, 0, 0)
    add(-least, least, -0.0, -0.0)
    add(-least, least, 0, -0.0)
    add(0, -1, -0.0, -0.0)
    add(0, -1, 0, 0)
    add(1, 1, -1, 0)
    add(-1, 1, 1, 0)
    add(0, 0, -0.0, 0)
    add(up, down, -1, -0x1p-46)
    // Overflow begins halfway to 2^128.
    add(0x1p52, 0x1p51, most, infinity)
    add(0x1p52 * up, 0x1p51 * down, most, most)
    add(-0x1p52, 0x1p51, -most, -infinity)
    add(-0x1p52 * up, 0x1p51 * down, -most, -most)
    add(most, most, 0, infinity)
    add(most, most, -most, infinity)
    add(0x1p64, 0x1p64, -most, 0x1p104)
    add(most, 2, -most, most)
    // Infinities, and what is no number.
    add(infinity, -1, 5, -infinity)
    add(1, 1, -infinity, -infinity)
    add(infinity, 1, infinity, infinity)
    add(infinity, 1, -infinity, .nan)
    add(infinity, 0, 1, .nan)
    add(.nan, 1, 1, .nan)
    add(1, 1, .nan, .nan)
    add(most, -most, infinity, infinity)
    return cases
  }()

  @Test(arguments: InstructionSet.available) func hardSumsAreRight(set: InstructionSet) {
    for hard in Self.cases {
      // As many rows as a tile has and more, and one row, which another loop goes through.
      for rows in [1, 13] {
        let found = sums(
          [Float](repeating: hard.a, count: rows), [Float](repeating: hard.b, count: 48),
          [Float](repeating: hard.c, count: rows * 48), Kernels(set))
        let difference = firstDifference(found, [Float](repeating: hard.sum, count: rows * 48))
        #expect(difference == nil, "\(hard): \(difference ?? "")")
      }
    }
  }

  @Test(arguments: InstructionSet.available, Numbers.allCases)
  func productsAreAddedInOneRounding(set: InstructionSet, numbers: Numbers) {
    let kernels = Kernels(set)
    let rows = 400
    let columns = 48
    var random = SeededRandom(UInt64(Numbers.allCases.firstIndex(of: numbers) ?? 0) + 1)
    var timesRoundedTwice = 0
    for round in 0..<20 {
      let a = (0..<rows).map { _ in numbers.next(&random) }
      let any = Numbers.allCases.randomElement(using: &random) ?? .halves
      let others = round % 2 == 0 ? numbers : any
      let b = (0..<columns).map { _ in others.next(&random) }
      var c: [Float] = []
      var expected: [Float] = []
      for place in 0..<rows * columns {
        let (x, y) = (a[place / columns], b[place % columns])
        let start = place % 3 == 0 ? others.next(&random) : addend(x, y, &random)
        let sum: Float = start.addingProduct(x, y)
        let product: Double = Double(x) * Double(y)
        let twice = Float(product + Double(start))
        if twice != sum, !twice.isNaN { timesRoundedTwice += 1 }
        c.append(start)
        expected.append(sum)
      }
      let difference = firstDifference(sums(a, b, c, kernels), expected)
      #expect(difference == nil, "\(numbers): \(difference ?? "")")
    }
    // Otherwise the test would see nothing.
    if numbers == .halves { #expect(timesRoundedTwice > 0) }
  }

  /// Elementwise functions take sixteen lanes at a time: a running mean is x + w · (p - x).
  @Test(arguments: InstructionSet.available, Numbers.allCases)
  func lanesAreAddedInOneRounding(set: InstructionSet, numbers: Numbers) {
    var random = SeededRandom(UInt64(Numbers.allCases.firstIndex(of: numbers) ?? 0) + 101)
    for _ in 0..<200 {
      let weight = numbers.next(&random)
      let mean = GuardedFloats((0..<1000).map { _ in numbers.next(&random) })
      let parameters = GuardedFloats((0..<1000).map { _ in numbers.next(&random) })
      let expected = zip(mean.values, parameters.values).map { old, new in
        old.addingProduct(new - old, weight)
      }
      Kernels(set).average(mean.pointer, of: parameters.pointer, count: 1000, weight: weight)
      let difference = firstDifference(mean.values, expected)
      #expect(difference == nil, "\(numbers): \(difference ?? "")")
      #expect(mean.guardsAreIntact)
    }
  }
}
