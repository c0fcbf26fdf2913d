import Records
import Tasks

/// An array of NumPy with the dimensions [N, T, F]: N sequences of T steps, each a vector of F.
struct NumPyReader {
  let file: DataFile
  let request: SequenceRequest
  let missing: MissingValues
  /// What takes the sequences in parts; nil where they are read as a whole.
  var parts: TableParts?

  func read() throws -> SequenceTable {
    let (text, start) = try header()
    let layout = try layout(text)
    guard layout.shape.count == 3 else {
      throw file.failure(
        nil, "it has the dimensions \(layout.shape), expected three: [sequences, steps, values]",
        hint: "save it as numpy.save(path, array.reshape(sequences, steps, values))")
    }
    let (steps, width) = (layout.shape[1], layout.shape[2])
    var table = SequenceTable(columns: (1...width).map { "value \($0)" })
    try forEach(of: layout, from: start) { sequence, place, value in
      table.numbers.append(
        try value.isNaN && missing.areFilled
          ? value
          : file.number(
            value,
            "sequence \(sequence + 1), step \(place / width + 1), value \(place % width + 1)",
            request.contract))
    } endRow: {
      table.endSequence()
      guard let parts, table.numbers.rows >= parts.request.steps else { return }
      try parts.give(&table)
      table = SequenceTable(columns: table.columns)
    }
    if parts != nil { return table }
    if request.predictsOthers || request.task.outputs == .classes {
      try NumPyTargets(of: file, request, missing).append(to: &table, steps: steps)
    }
    return table
  }

  /// All numbers of an array, whatever its dimensions.
  func array() throws -> (shape: [Int], isWhole: Bool, numbers: [Double]) {
    let (text, start) = try header()
    let layout = try layout(text)
    var numbers: [Double] = []
    try forEach(of: layout, from: start) { numbers.append($2) } endRow: {}
    return (layout.shape, layout.type.kind != "f", numbers)
  }

  /// Hands on every number with its place among the first dimension, and within that.
  private func forEach(
    of layout: (type: NumberType, shape: [Int]), from start: Int,
    _ body: (_ row: Int, _ place: Int, Double) throws -> Void, endRow: () throws -> Void
  ) throws {
    let stream = file.stream
    let (rows, width) = (layout.shape[0], layout.shape.dropFirst().reduce(1, *))
    var position = start
    for row in 0..<rows {
      for place in 0..<width {
        if position + layout.type.size > stream.count {
          try stream.refill(keeping: position)
          position = 0
          guard layout.type.size <= stream.count else {
            throw file.failure(
              "sequence \(row + 1)",
              "the file ends there, and has \(rows) of them: is it cut off?")
          }
        }
        let bytes = unsafe UnsafeRawBufferPointer(
          start: stream.base + position, count: layout.type.size)
        unsafe try body(row, place, layout.type.number(bytes))
        position += layout.type.size
      }
      try endRow()
    }
    if position == stream.count, !stream.isAtEnd {
      try stream.refill(keeping: position)
      position = 0
    }
    guard position == stream.count else {
      throw file.failure(nil, "more bytes follow than its \(layout.shape) numbers take")
    }
  }

  /// The description in Python's words, and where the numbers begin.
  private func header() throws -> (String, Int) {
    let stream = file.stream
    let head = stream.head(1 << 16)
    guard head.count > 12 else { throw file.failure(nil, "its head is cut off") }
    let isLong = head[6] >= 2
    let count =
      isLong
      ? Int(head[8]) | Int(head[9]) << 8 | Int(head[10]) << 16 | Int(head[11]) << 24
      : Int(head[8]) | Int(head[9]) << 8
    let start = isLong ? 12 : 10
    guard count <= head.count - start else { throw file.failure(nil, "its head is cut off") }
    return (String(decoding: head[start..<start + count], as: UTF8.self), start + count)
  }

  private func layout(_ text: String) throws -> (type: NumberType, shape: [Int]) {
    guard let code = text.firstMatch(of: /'descr':\s*'([^']*)'/)?.1 else {
      throw file.failure(nil, "it has no numbers of one kind: \(text.prefix(80))")
    }
    guard let type = NumberType(code) else {
      throw file.failure(
        nil, "its numbers are of type \"\(code)\", expected floats, integers or booleans",
        hint: "save it as numpy.save(path, array.astype(\"f4\"))")
    }
    guard let list = text.firstMatch(of: /'shape':\s*\(([^)]*)\)/)?.1 else {
      throw file.failure(nil, "its head names no shape")
    }
    let shape = list.split(separator: ",").compactMap {
      Int($0.filter { $0 != " " && $0 != "L" })
    }
    guard !shape.isEmpty else { throw file.failure(nil, "it is one number, and no array") }
    let all = shape.reduce((1, false)) { product, size in
      let (next, overflow) = product.0.multipliedReportingOverflow(by: size)
      return (next, product.1 || overflow)
    }
    guard shape.allSatisfy({ $0 > 0 }) else {
      throw file.failure(nil, "it has the dimensions \(shape), expected numbers above 0")
    }
    guard !all.1, all.0 <= 1 << 48 else {
      throw file.failure(
        nil,
        "its head names the dimensions \(shape), more numbers than any file has: is it damaged?")
    }
    guard text.contains(/'fortran_order':\s*False/) else {
      throw file.failure(
        nil, "its numbers are in the order of Fortran",
        hint: "save it as numpy.save(path, numpy.ascontiguousarray(array))")
    }
    return (type, shape)
  }

  /// A type of numbers, as NumPy names it.
  private struct NumberType {
    let kind: Character
    let size: Int
    let isBigEndian: Bool

    init?(_ code: Substring) {
      guard let order = code.first, "<>|=".contains(order), let kind = code.dropFirst().first,
        let size = Int(code.dropFirst(2))
      else { return nil }
      let sizes: [Character: [Int]] = [
        "f": [2, 4, 8], "i": [1, 2, 4, 8], "u": [1, 2, 4, 8], "b": [1],
      ]
      guard sizes[kind]?.contains(size) == true else { return nil }
      (self.kind, self.size, isBigEndian) = (kind, size, order == ">")
    }

    /// The number of some bytes.
    func number(_ bytes: UnsafeRawBufferPointer) -> Double {
      var bits: UInt64 = 0
      for place in 0..<size {
        let byte = unsafe bytes[isBigEndian ? place : size - 1 - place]
        bits = bits << 8 | UInt64(byte)
      }
      switch (kind, size) {
      case ("f", 8): return Double(bitPattern: bits)
      case ("f", 4): return Double(Float(bitPattern: UInt32(bits)))
      case ("f", _): return Self.half(UInt16(bits))
      case ("i", _):
        let shift = UInt64(64 - 8 * size)
        return Double(Int64(bitPattern: bits << shift) >> Int64(shift))
      default: return Double(bits)
      }
    }

    /// A number of 16 bits (IEEE 754, binary16).
    private static func half(_ bits: UInt16) -> Double {
      let significand = Double(bits & 0x3FF)
      let exponent = Int(bits >> 10 & 0x1F)
      let magnitude =
        switch exponent {
        case 0: significand * 0x1p-24
        case 31: significand == 0 ? Double.infinity : .nan
        default: (1024 + significand) * Double(sign: .plus, exponent: exponent - 25, significand: 1)
        }
      return bits >> 15 == 1 ? -magnitude : magnitude
    }
  }
}
