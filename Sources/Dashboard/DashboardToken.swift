import Records

/// What whoever wants to look at runs from elsewhere has to know: ASCII letters and digits, which
/// mean themselves in addresses and cookies.
package struct DashboardToken: Sendable {
  /// The environment's variable for it.
  package static let variable = "GRU_DIST_TOKEN"

  package let text: String

  /// Makes one of 128 random bits.
  init() {
    var generator = SystemRandomNumberGenerator()
    text = (0..<4).map { _ in
      let digits = String(UInt32.random(in: .min ... .max, using: &generator), radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  /// Takes one that is given.
  ///
  /// - Parameter source: what gives it, for errors, which do not repeat it.
  package init(_ text: String, from source: String) throws {
    guard !text.isEmpty, text.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
      throw UsageError("\(source): expected a token of ASCII letters and digits")
    }
    self.text = text
  }

  /// Takes that in the first line of a file.
  package init(file: String) throws {
    guard let bytes = LineReader.bytes(of: file, atMost: 4096) else {
      throw UsageError("--token-file: '\(file)' is no small file that can be read")
    }
    let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
    try self.init(String(decoding: line, as: UTF8.self), from: "--token-file '\(file)'")
  }
}
