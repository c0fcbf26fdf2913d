import Foundation
import NumericContract
import Testing

@testable import Datasets
@testable import Tables

/// Numbers are those that the standard library reads, bit for bit.
@Suite struct DecimalNumberTests {
  private func read(_ text: String, _ contract: ContractVersion = .two) -> Double? {
    let bytes = Array(text.utf8)
    return bytes.withUnsafeBufferPointer { buffer in
      CellNumber(contract: contract).read(buffer, from: 0, to: bytes.count)
    }
  }

  private func expectEqual(_ text: String) {
    #expect(read(text)?.bitPattern == Double(text)?.bitPattern, "\(text)")
    let single = Float(text).map { Double($0).bitPattern }
    #expect(read(text, .one)?.bitPattern == single, "\(text)")
  }

  @Test(arguments: [
    "0", "-0", "+1", "1.", ".5", "-.5e3", ".", "-", "", "1e", "1e+", "1e5", "1E-5", "1e22", "1e23",
    "9007199254740993", "9007199254740992.5", "18446744073709551615", "18446744073709551616",
    "99999999999999999999", "0.1", "0.30000000000000004", "1e-27", "1e-28", "1e27", "1e28", "1e308",
    "1e309", "5e-324", "2.2250738585072011e-308", "1.7976931348623157e308", "0e99999", "0.0e-9999",
    "00000000000000000000001", "0.00000000000000000000000000001", "1.00000005960464478",
    "1.000000059604644775390625", "16777217", "1e-45", "1.1754943e-38", "nan", "inf", "-infinity",
    "0x1p3", "0x", "12a", "1,5", "1_000", "１", "1e1e1", "--1", "1.2.3", "1e99999999999999999999",
  ])
  func textsAreReadAsTheStandardDoes(text: String) { expectEqual(text) }

  @Test func blanksAroundCountForNothing() {
    for text in [" 1.5", "1.5 ", "\t1.5\t ", "\u{A0}1.5"] { #expect(read(text) == 1.5) }
    #expect(read("1 5") == nil)
    #expect(read(" ") == nil)
  }

  @Test func commasAreDecimalWhereTheyAreMeant() {
    func read(_ text: String) -> Double? {
      Array(text.utf8).withUnsafeBufferPointer { buffer in
        CellNumber(point: 0x2C).read(buffer, from: 0, to: buffer.count)
      }
    }
    #expect(read("1,5") == 1.5)
    #expect(read("-1,25e2") == -125)
    #expect(read("12345678901234567890,5") == 12345678901234567890.5)
    #expect(read("1.5") == nil)
    #expect(read("1.234,5") == nil)
    #expect(read("7") == 7)
  }

  /// All of them at the edges of what is rounded: numbers with up to 20 digits, halves between two
  /// doubles and what is next to them, and numbers as people and programs print them.
  @Test func randomNumbersAreReadAsTheStandardDoes() {
    var random = SeededNumbers(seed: 41)
    for round in 0..<60_000 {
      let exponent = Int.random(in: -30...30, using: &random)
      var text: String
      switch round % 6 {
      case 0: text = "\(UInt64.random(in: 0 ... .max, using: &random))e\(exponent)"
      case 1: text = "\(Double.random(in: -1e6...1e6, using: &random))"
      case 2: text = "\(Float.random(in: -10...10, using: &random))"
      case 3:
        // An odd number of 54 bits is halfway; with zeros it stays so.
        let half = UInt64.random(in: 1 << 53..<1 << 54, using: &random) | 1
        let shift = UInt64.random(in: 0...10, using: &random)
        let near = Int64.random(in: -1...1, using: &random)
        text = "\((half << shift).addingReportingOverflow(UInt64(bitPattern: near)).partialValue)"
      case 4:
        let digits = Int.random(in: 1...20, using: &random)
        text = (0..<digits).map { _ in "\(Int.random(in: 0...9, using: &random))" }.joined()
        let place = Int.random(in: 0...digits, using: &random)
        text.insert(".", at: text.index(text.startIndex, offsetBy: place))
      default:
        // Halfway between two of single precision, and next to it.
        let single = Float.random(in: 1...1000, using: &random)
        let half = (Double(single) + Double(single.nextUp)) / 2
        text = "\([half, half.nextUp, half.nextDown].randomElement(using: &random) ?? half)"
      }
      expectEqual(text)
      if round % 5 == 0 { expectEqual("-\(text)e\(exponent)") }
    }
  }

  /// Bytes that look like numbers, in the midst of others: what is a number is that which the C
  /// library reads, and nothing else is one.
  @Test func manyShortTextsAreReadAsTheCLibraryDoes() {
    var random = SeededNumbers(seed: 43)
    let length = 48
    var text = [UInt8](repeating: 0x31, count: length)
    var marks = Array("01234567890123456789012345678901234567890123456789....-+eE ".utf8)
    marks += [0x2C, 0x2F, 0x3A, 0x41, 0x80, 0xAE, 0xB0, 0xFF]
    var (numbers, short) = (0, 0)
    for round in 0..<1_000_000 {
      var bits = random.next()
      let count = 1 + Int(bits % (round % 4 == 0 ? 22 : 9))
      bits >>= 8
      // Near the end there are no eight bytes to look at.
      let start = round % 2 == 0 ? Int(bits % 8) : length - count - Int(bits % 4)
      bits >>= 8
      let end = start + count
      var digits = random.next()
      for place in start..<end {
        text[place] = 0x30 + UInt8(digits % 10)
        digits /= 10
      }
      if bits % 4 != 0 { text[start + Int(bits / 4 % UInt64(count))] = 0x2E }
      if bits / 128 % 3 == 0 { text[start] = 0x2D }
      if round % 3 == 0 {
        text[start + Int(bits / 512 % UInt64(count))] =
          marks[Int(bits / 65_536 % UInt64(marks.count))]
      }
      let found = text.withUnsafeBufferPointer {
        CellNumber().read($0, from: start, to: end)
      }
      let cell = text[start..<end]
      let expected = Self.plainNumber(cell) ?? CellNumber.parse(Array(cell))
      numbers += expected == nil ? 0 : 1
      short += expected != nil && count <= 8 ? 1 : 0
      if found?.bitPattern != expected?.bitPattern {
        Issue.record("\(Array(cell)): \(found as Any), expected \(expected as Any)")
        return
      }
    }
    #expect(numbers > 600_000)
    #expect(short > 400_000)
  }

  /// What the C library reads of digits with a sign and a point perhaps; nil of all else.
  private static func plainNumber(_ cell: ArraySlice<UInt8>) -> Double? {
    var (digits, points) = (0, 0)
    for (index, byte) in cell.enumerated() {
      switch byte {
      case 0x30...0x39: digits += 1
      case 0x2E: points += 1
      case 0x2B, 0x2D: if index > 0 { return nil }
      default: return nil
      }
    }
    guard digits > 0, points <= 1 else { return nil }
    return (cell.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { text in
      text.baseAddress.map { strtod($0, nil) }
    }
  }
}
