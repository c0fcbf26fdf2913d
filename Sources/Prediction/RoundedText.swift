/// Numbers in the units of the data as text, without an object for each.
package enum RoundedText {
  /// Bytes that a number takes at most, a comma before it included.
  static let most = 40

  /// The text of a number, as `write` has it.
  package static func text(of number: Double) -> String {
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
      unsafe count = write(number, to: buffer, at: 0)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The digits of all numbers of two digits, one after another.
  private static let pairs: [UInt8] = (0..<100).flatMap { number in
    [UInt8(ascii: "0") + UInt8(number / 10), UInt8(ascii: "0") + UInt8(number % 10)]
  }

  /// Writes a number as `ResultWriter.rounded` has it, in the digits that its description has;
  /// returns the bytes that takes.
  static func write(
    _ number: Double, to buffer: UnsafeMutableBufferPointer<UInt8>, at place: Int
  ) -> Int {
    let places = ResultWriter.decimals(of: number) ?? 0
    let scaled =
      1...15 ~= places ? (number.magnitude * ResultWriter.powersOfTen[places]).rounded() : 0
    guard scaled > 0, scaled < 0x1p53 else {
      var end = place
      for byte in "\(ResultWriter.rounded(number))".utf8 {
        unsafe buffer[end] = byte
        end += 1
      }
      return end - place
    }
    var end = place
    if number < 0 {
      unsafe buffer[end] = UInt8(ascii: "-")
      end += 1
    }
    let unit = UInt64(ResultWriter.powersOfTen[places])
    let (whole, part) = UInt64(scaled).quotientAndRemainder(dividingBy: unit)
    end += unsafe write(whole, to: buffer, at: end)
    unsafe buffer[end] = UInt8(ascii: ".")
    // Zeros before the decimals count, those behind them are left out, but for one.
    unsafe write(part, digits: places, to: buffer, at: end + 1)
    end += places
    while unsafe buffer[end] == UInt8(ascii: "0") && buffer[end - 1] != UInt8(ascii: ".") {
      end -= 1
    }
    return end + 1 - place
  }

  /// Writes a whole number; returns its digits.
  static func write(
    _ number: UInt64, to buffer: UnsafeMutableBufferPointer<UInt8>, at place: Int
  ) -> Int {
    var digits = 1
    var bound: UInt64 = 10
    while number >= bound, digits < 19 {
      digits += 1
      bound *= 10
    }
    if number >= 10_000_000_000_000_000_000 { digits = 20 }
    unsafe write(number, digits: digits, to: buffer, at: place)
    return digits
  }

  /// Writes so many digits of a number.
  private static func write(
    _ number: UInt64, digits: Int, to buffer: UnsafeMutableBufferPointer<UInt8>, at place: Int
  ) {
    var (rest, end) = (number, place + digits)
    unsafe pairs.withUnsafeBufferPointer { pairs in
      while end - place >= 2 {
        let pair = Int(rest % 100) * 2
        rest /= 100
        unsafe buffer[end - 1] = pairs[pair + 1]
        unsafe buffer[end - 2] = pairs[pair]
        end -= 2
      }
    }
    if end > place {
      unsafe buffer[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
    }
  }
}
