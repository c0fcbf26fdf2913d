/// Numbers with a unit, as people write bandwidths and times.
package enum Quantity {
  private static let bitUnits = ["bit": 1.0, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9]
  private static let timeUnits = ["us": 1e-6, "ms": 1e-3, "s": 1.0]

  /// Bits a second: `100mbit`, `1gbit`; nil for anything else.
  package static func bitsPerSecond(_ text: String) -> Double? { parse(text, bitUnits) }

  /// Seconds: `0.2ms`, `50us`, `0`; nil for anything else.
  package static func seconds(_ text: String) -> Double? {
    text == "0" ? 0 : parse(text, timeUnits)
  }

  private static func parse(_ text: String, _ units: [String: Double]) -> Double? {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let value = Double(number), let unit = units[String(text.dropFirst(number.count))],
      value > 0
    else { return nil }
    return value * unit
  }
}
