import NumericContract

/// A line of JSON lines as nearly all are: an object with "values", numbers or vectors of them, and
/// perhaps a "label", a string without escapes or a whole number. Of all other lines, and of those
/// with faults, it says that they are not plain.
struct PlainSequence {
  private(set) var values: [Double] = []
  /// Numbers of a step.
  private(set) var width = 0
  private(set) var label: String?

  /// Reads the line that was read last.
  ///
  /// - Returns: whether it is plain.
  mutating func read(_ lines: LineReader, _ contract: ContractVersion) -> Bool {
    values.removeAll(keepingCapacity: true)
    (width, label) = (0, nil)
    let base = unsafe UnsafePointer(lines.stream.base)
    var place = lines.line.lowerBound
    let end = lines.line.upperBound
    var scanner = unsafe Scanner(base: base, place: place, end: end, contract: contract)
    guard scanner.take("{") else { return false }
    repeat {
      guard let name = scanner.string(), scanner.take(":") else { return false }
      if name == "values", values.isEmpty {
        guard let width = scanner.vectors(&values) else { return false }
        self.width = width
      } else if name == "label", label == nil {
        label = scanner.label()
        if label == nil { return false }
      } else {
        return false
      }
    } while scanner.take(",")
    guard scanner.take("}") else { return false }
    scanner.skipBlanks()
    place = scanner.place
    return place == end && !values.isEmpty
  }

  @safe private struct Scanner {
    let base: UnsafePointer<UInt8>
    var place: Int
    let end: Int
    let contract: ContractVersion

    @inline(__always) mutating func skipBlanks() {
      while place < end, unsafe base[place] == 0x20 || base[place] == 0x09 { place += 1 }
    }

    /// Takes a character and the blanks before it, if it is the next one.
    @inline(__always) mutating func take(_ character: Unicode.Scalar) -> Bool {
      skipBlanks()
      guard place < end, unsafe base[place] == UInt8(truncatingIfNeeded: character.value) else {
        return false
      }
      place += 1
      return true
    }

    /// A string without escapes.
    mutating func string() -> String? {
      guard take("\"") else { return nil }
      let start = place
      while place < end, unsafe base[place] != 0x22 {
        if unsafe base[place] < 0x20 || base[place] == 0x5C { return nil }
        place += 1
      }
      guard place < end else { return nil }
      place += 1
      return unsafe String(
        decoding: UnsafeBufferPointer(start: base + start, count: place - 1 - start),
        as: UTF8.self)
    }

    mutating func label() -> String? {
      skipBlanks()
      guard place < end else { return nil }
      if unsafe base[place] == 0x22 { return string() }
      guard
        let prefix = unsafe DecimalNumber.prefix(of: base, from: place, to: end, isStrict: true),
        prefix.isInteger, let number = Int(exactly: prefix.value), abs(number) < 1 << 53
      else { return nil }
      place = prefix.end
      return "\(number)"
    }

    /// The numbers of all steps.
    ///
    /// - Returns: how many each step has.
    mutating func vectors(_ values: inout [Double]) -> Int? {
      guard take("[") else { return nil }
      var width: Int?
      repeat {
        let before = values.count
        if take("[") {
          repeat {
            guard let value = number() else { return nil }
            values.append(value)
          } while take(",")
          guard take("]") else { return nil }
        } else {
          guard let value = number() else { return nil }
          values.append(value)
        }
        guard width ?? (values.count - before) == values.count - before else { return nil }
        width = values.count - before
      } while take(",")
      return take("]") ? width : nil
    }

    @inline(__always) private mutating func number() -> Double? {
      skipBlanks()
      guard
        let prefix = unsafe DecimalNumber.prefix(of: base, from: place, to: end, isStrict: true),
        prefix.value.magnitude < CellNumber.largest
      else { return nil }
      place = prefix.end
      // A whole number has no negative zero.
      let value = prefix.isInteger ? prefix.value + 0 : prefix.value
      return contract >= .two ? value : Double(Float(value))
    }
  }
}
