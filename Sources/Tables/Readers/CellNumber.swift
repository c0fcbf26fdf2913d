package import NumericContract

/// The number that a cell of a table holds.
package struct CellNumber {
  /// What stands before decimals.
  var point = UInt8(ascii: ".")
  /// The version of the contract by which numbers are rounded.
  var contract = ContractVersion.newest

  package init(point: UInt8 = 0x2E, contract: ContractVersion = .newest) {
    self.point = point
    self.contract = contract
  }

  /// Beyond it, single precision has no finite number.
  static var largest: Double { 0x1.ffffffp127 }

  /// The number that the bytes from `start` to `end` are, blanks aside; nil where they are none. It
  /// may be infinite, or not a number.
  ///
  /// - Parameter text: has these bytes, and others around them.
  @inline(__always)
  package func read(_ text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) -> Double? {
    guard let bytes = text.baseAddress else { return nil }
    if let value = unsafe DecimalNumber.short(
      bytes, from: start, to: end, readable: text.count, point: point)
    {
      if contract >= .two { return value }
      if Self.isRoundedOnce(value) { return Double(Float(value)) }
    }
    if let prefix = unsafe DecimalNumber.prefix(of: bytes, from: start, to: end, point: point) {
      if prefix.end == end {
        if contract >= .two { return prefix.value }
        if Self.isRoundedOnce(prefix.value) { return Double(Float(prefix.value)) }
      } else if unsafe !Self.mayFollow(bytes[prefix.end]) {
        // As in a date, which begins with a number.
        return nil
      }
    } else if unsafe start == end || !Self.mayBegin(bytes[start], point) {
      return nil
    }
    return unsafe Self.parse(
      Array(UnsafeBufferPointer(start: bytes + start, count: end - start)), point: point,
      contract: contract)
  }

  /// Whether a number may go on so that seemed to be over: blanks, and the x of hexadecimal digits.
  @inline(__always) private static func mayFollow(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte >= 0x80 || byte | 0x20 == UInt8(ascii: "x")
  }

  /// The finite number with which the bytes from `start` begin, and what follows it; nil where that
  /// takes another way.
  @inline(__always)
  func plain(
    _ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int
  ) -> (value: Double, end: Int)? {
    guard
      let prefix = unsafe DecimalNumber.prefix(of: bytes, from: start, to: end, point: point),
      prefix.value.magnitude < Self.largest, contract >= .two || Self.isRoundedOnce(prefix.value)
    else { return nil }
    return (contract >= .two ? prefix.value : Double(Float(prefix.value)), prefix.end)
  }

  /// Whether its rounding to single precision is that of the number which it was rounded from: no
  /// number of double precision halfway between two of single precision, and none too small.
  @inline(__always) private static func isRoundedOnce(_ value: Double) -> Bool {
    value.bitPattern & 0x1FFF_FFFF != 0x1000_0000
      && (value == 0 || value.magnitude >= Double(Float.leastNormalMagnitude))
  }

  /// The same as `read`, of all bytes, at leisure.
  static func parse(
    _ bytes: [UInt8], point: UInt8 = 0x2E, contract: ContractVersion = .newest
  ) -> Double? {
    var text = Substring(decoding: bytes, as: UTF8.self)
    while let last = text.unicodeScalars.last, isBlank(last) { text.unicodeScalars.removeLast() }
    while let first = text.unicodeScalars.first, isBlank(first) {
      text.unicodeScalars.removeFirst()
    }
    if point != 0x2E {
      guard !text.utf8.contains(0x2E) else { return nil }
      text = Substring(decoding: text.utf8.map { $0 == point ? 0x2E : $0 }, as: UTF8.self)
    }
    return contract >= .two ? Double(text) : Float(text).map(Double.init)
  }

  /// Whether a number may begin so: digits, signs, points, "inf" and "nan", blanks.
  @inline(__always) private static func mayBegin(_ byte: UInt8, _ point: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x2B, 0x2D, 0x2E, 0x20, 0x09, 0x80...0xFF, UInt8(ascii: "i"),
      UInt8(ascii: "I"), UInt8(ascii: "n"), UInt8(ascii: "N"):
      true
    default: byte == point
    }
  }

  private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "\t" || scalar.properties.generalCategory == .spaceSeparator
  }
}

extension CellNumber {
  /// What makes a cell no number that is one to a person, and how to mend it; nil where it is none
  /// to anybody.
  static func mark(_ text: String) -> (name: String, remedy: String)? {
    let text = text.filter { $0 != "\u{A0}" && $0 != "\u{202F}" }
    let trimmed = text.split(separator: " ", omittingEmptySubsequences: true)
    guard let first = trimmed.first, !first.isEmpty else { return nil }
    let whole = trimmed.joined()
    if whole.hasSuffix("%"), isNumber(whole.dropLast()) {
      return ("a percent sign", "take the signs away")
    }
    let currencies: Set<Character> = ["$", "€", "£", "¥", "₹"]
    if let end = [whole.first, whole.last].compactMap({ $0 }).first(where: currencies.contains),
      isNumber(whole.filter { $0 != end }) || isGrouped(whole.filter { $0 != end })
    {
      return ("a currency sign", "take the signs away")
    }
    if isNumber(whole.map { $0 == "," ? "." : String($0) }.joined()), whole.contains(",") {
      return (
        "a comma",
        "if it stands before decimals, set data.decimal to \",\"; if between thousands, take the "
          + "commas away"
      )
    }
    if isGrouped(whole) { return ("thousands separators", "take them away") }
    if let last = trimmed.last, trimmed.count == 2, isNumber(first), units.contains(String(last)) {
      return ("a unit", "take the units away")
    }
    let digits = whole.prefix { $0.isASCII && ($0.isNumber || "+-.".contains($0)) }
    let rest = String(whole.dropFirst(digits.count))
    if isNumber(digits), attached.contains(rest) {
      return ("a unit", "take the units away")
    }
    return nil
  }

  private static func isNumber(_ text: some StringProtocol) -> Bool {
    text.utf8.contains { 0x30...0x39 ~= $0 } && parse(Array(text.utf8)) != nil
  }

  /// Groups of three digits with commas, points, apostrophes, and a fraction perhaps.
  private static func isGrouped(_ text: some StringProtocol) -> Bool {
    for separator in [",", ".", "'", "’"] as [Character] {
      let groups = text.split(separator: separator, omittingEmptySubsequences: false)
      guard groups.count > 1, let head = groups.first, let tail = groups.last else { continue }
      let sign = head.first == "-" || head.first == "+"
      let whole = tail.prefix { $0.isASCII && $0.isNumber }
      let fraction = tail.dropFirst(whole.count)
      let isFraction =
        fraction.isEmpty
        || ".,".contains(fraction.first ?? " ") && fraction.first != separator
          && fraction.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
      let middle = groups.dropFirst().dropLast() + [whole]
      if isFraction, 1...3 ~= head.count - (sign ? 1 : 0),
        middle.allSatisfy({ $0.count == 3 && $0.allSatisfy(\.isNumber) }),
        head.dropFirst(sign ? 1 : 0).allSatisfy(\.isNumber)
      {
        return true
      }
    }
    return false
  }

  /// Units that are told from codes even without a blank before them.
  private static let attached: Set<String> = [
    "°", "°C", "°F", "°K", "‰", "kg", "mg", "µg", "mm", "cm", "km", "m/s", "km/h", "mph", "hPa",
    "kPa", "Pa", "bar", "mbar", "kW", "kWh", "MW", "MWh", "GW", "GWh", "Hz", "kHz", "MHz", "ms",
    "µs",
    "mV", "mA", "ppm", "ppb", "mmHg", "bpm", "lux", "W/m2", "W/m²", "mg/l", "mg/L", "µg/m3",
    "µg/m³",
  ]

  private static let units = attached.union([
    "%", "g", "t", "m", "s", "h", "min", "d", "V", "A", "W", "K", "C", "F", "l", "L", "J", "N",
    "lb",
    "lbs", "oz", "ft", "in", "mi", "psi", "kn", "deg", "degC", "degF", "EUR", "USD", "GBP", "CHF",
    "JPY", "m2", "m²", "m3", "m³",
  ])
}
