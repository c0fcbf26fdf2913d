import Foundation

/// Numbers in the form that people read.
package enum Format {
  /// A part of a whole in percent, such as "3.1 %"; "less than 0.1 %" where it is small but not 0.
  package static func share(_ part: Int, of whole: Int) -> String {
    let percent = 100 * Double(part) / Double(max(1, whole))
    if part > 0, percent < 0.05 { return "less than 0.1 %" }
    return fixed(percent, 1) + " %"
  }

  /// Groups of three digits: 1,234,567.
  package static func grouped(_ value: Int) -> String {
    var digits = String(value.magnitude)
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }

  /// A number with its noun.
  ///
  /// - Parameter plural: nil adds an s.
  package static func count(_ value: Int, _ noun: String, plural: String? = nil) -> String {
    "\(grouped(value)) " + (value == 1 ? noun : plural ?? noun + "s")
  }

  /// Fixed decimals; an exponent for what is too large to be read so.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    String(format: abs(value) < 1e7 ? "%.\(decimals)f" : "%.4g", value)
  }

  /// Four decimals, or four digits with an exponent for what is too small to be read so.
  package static func small(_ value: Double) -> String {
    value != 0 && abs(value) < 0.001 ? String(format: "%.3e", value) : fixed(value, 4)
  }

  /// Six significant digits with an exponent.
  package static func scientific(_ value: Double) -> String { String(format: "%+.5e", value) }

  /// Bytes in binary units.
  package static func bytes(_ count: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    var value = Double(count)
    var unit = 0
    while value >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    return unit == 0 ? "\(count) B" : "\(fixed(value, 1)) \(units[unit])"
  }

  /// How long ago something was, in one unit: "45 s", "12 min", "3 h", "5 d".
  package static func age(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e11 else { return "-" }
    let whole = Int(max(0, seconds))
    return switch whole {
    case ..<100: "\(whole) s"
    case ..<6000: "\(whole / 60) min"
    case ..<172_800: "\(whole / 3600) h"
    default: "\(whole / 86_400) d"
    }
  }

  /// Hours, minutes and seconds: 1:02:03 or 2:03.
  package static func time(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "-" }
    let whole = Int(seconds.rounded())
    let tail = String(format: "%02d", whole % 60)
    if whole < 3600 { return "\(whole / 60):\(tail)" }
    return "\(whole / 3600):" + String(format: "%02d", whole / 60 % 60) + ":\(tail)"
  }
}

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
