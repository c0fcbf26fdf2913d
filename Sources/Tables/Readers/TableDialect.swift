/// How a table is written, told from its head: what separates fields, what stands before decimals,
/// and where the header is.
package struct TableDialect {
  package private(set) var separator = UInt8(ascii: ",")
  /// What stands before decimals.
  package private(set) var point = UInt8(ascii: ".")
  /// Lines above the header, blank ones aside.
  package private(set) var preamble = 0
  /// What a person is to know of it.
  package private(set) var remarks: [String] = []

  private static let separators = [",", ";", "\t", "|"].map { UInt8(ascii: $0) }
  /// How much is looked at.
  package static let headBytes = 1 << 18
  private static let headRows = 200
  /// So many lines may stand above a header.
  private static let mostPreamble = 50

  /// A row of the head.
  private struct Row {
    var line: Int
    var fields: [String]
    var isRemark: Bool { fields[0].hasPrefix("#") }
    /// Whether it is neither a remark nor empty.
    var isCounted: Bool { !isRemark && !fields.allSatisfy(\.isEmpty) }
    var hasNumber: Bool { fields.contains { TableDialect.isNumber($0) } }
    /// Its fields where a trailing separator makes none.
    var leastCount: Int { fields.count > 1 && fields.last == "" ? fields.count - 1 : fields.count }

    /// Whether it may be a row of so many fields: what is empty at its end is one or none.
    func has(_ count: Int) -> Bool { fields.count == count || leastCount == count }
  }

  /// - Parameters:
  ///   - head: the first bytes of the file.
  ///   - isWhole: whether they are all.
  package init(head: [UInt8], isWhole: Bool, _ request: SequenceRequest) {
    let remark = Array((request.remark ?? "").utf8)
    func rows(_ separator: UInt8) -> [Row] {
      Self.rows(of: head, isWhole: isWhole, separator, remark)
    }
    let named = Self.namedSeparator(rows(0).first?.fields[0])
    var best: (rows: [Row], preamble: Int, score: Double, fields: Int)?
    for candidate in named.map({ [$0] }) ?? Self.separators {
      let rows = Array(rows(candidate).dropFirst(named == nil ? 0 : 1))
      let fields = Self.usualCount(rows)
      let preamble = Self.preamble(rows, fields, knowsRemarks: remark.isEmpty)
      var score = 0.0
      if preamble < rows.count {
        score += 2 * Self.share(of: request.namedColumns, in: rows[preamble].fields)
      }
      if fields > 1, preamble < rows.count {
        let body = rows[preamble...].filter(\.isCounted)
        score += Double(body.count { $0.has(fields) }) / Double(max(1, body.count))
        if rows[preamble].has(fields) { score += 1 }
        // What seems to be a title may be a header that has other separators.
        if !rows[..<preamble].allSatisfy(\.isRemark) { score -= 0.5 }
      }
      if best == nil || score > best?.score ?? 0
        || score == best?.score && fields > best?.fields ?? 0
      {
        separator = candidate
        best = (rows, preamble, score, fields)
      }
    }
    guard let best else { return }
    preamble = best.preamble + (named == nil ? 0 : 1)
    for row in best.rows.prefix(best.preamble) {
      let text = row.fields.joined(separator: String(decoding: [separator], as: UTF8.self))
      remarks.append("line \(row.line) is no part of the table: \"\(text.prefix(60))\"")
    }
    let body = best.rows.dropFirst(best.preamble + (request.hasHeader ? 1 : 0))
    if let decimal = request.decimal?.utf8.first {
      point = decimal
    } else if separator != UInt8(ascii: ","), Self.hasDecimalCommas(body) {
      point = UInt8(ascii: ",")
    }
  }

  /// In words.
  package var words: String {
    let name =
      switch separator {
      case 0x2C: "commas"
      case 0x3B: "semicolons"
      case 0x09: "tabs"
      case 0x7C: "bars"
      default: "\"\(String(decoding: [separator], as: UTF8.self))\""
      }
    return "separated by \(name)" + (point == 0x2C ? ", decimal commas" : "")
  }

  /// How many of the columns that a config names a header has, as a part of them.
  private static func share(of names: [String], in header: [String]) -> Double {
    let known = Set(header.map { CSVReader.trimmed($0) })
    return names.isEmpty ? 0 : Double(names.count(where: known.contains)) / Double(names.count)
  }

  /// The separator that a first line like "sep=;" names.
  private static func namedSeparator(_ line: String?) -> UInt8? {
    guard let line, line.utf8.count == 5, line.lowercased().hasPrefix("sep=") else { return nil }
    return line.utf8.last
  }

  private static func rows(
    of head: [UInt8], isWhole: Bool, _ separator: UInt8, _ remark: [UInt8]
  ) -> [Row] {
    var rows: [Row] = []
    guard var text = try? DelimitedText(ByteStream(head), separator: separator, remark: remark)
    else { return [] }
    while rows.count < headRows, (try? text.next()) == true {
      // The head may end within a row.
      if text.isCutOff, !isWhole { break }
      rows.append(Row(line: text.line, fields: (0..<text.count).map { text[$0] }))
    }
    return rows
  }

  /// How many fields most rows have, the header among them; 1 where there is no row. Where all end
  /// in a separator, nothing follows it.
  private static func usualCount(_ rows: [Row]) -> Int {
    let rows = rows.filter(\.isCounted)
    let counts = Set(rows.map(\.fields.count)).union(rows.map(\.leastCount)).map { count in
      (rows.count { $0.has(count) }, rows.count { $0.leastCount == count }, count)
    }
    return counts.max(by: <)?.2 ?? 1
  }

  /// How many rows stand above the header: remarks, and titles, which have one field, or one that
  /// is not empty, where others have several. A line that begins with # is the header where numbers
  /// follow it, and it has as many fields as they.
  private static func preamble(_ rows: [Row], _ fields: Int, knowsRemarks: Bool) -> Int {
    var count = 0
    while count < min(rows.count, mostPreamble) {
      let row = rows[count]
      if knowsRemarks, row.isRemark {
        let next = count + 1 < rows.count ? rows[count + 1] : nil
        if row.has(fields), next.map({ !$0.isRemark && $0.hasNumber }) ?? true { return count }
      } else if fields == 1 || !row.fields.dropFirst().allSatisfy(\.isEmpty) {
        return count
      }
      count += 1
    }
    return count == rows.count ? 0 : count
  }

  private static func hasDecimalCommas(_ rows: some Sequence<Row>) -> Bool {
    var commas = 0
    for row in rows {
      for field in row.fields {
        if isDecimal(field, UInt8(ascii: ".")) { return false }
        if isDecimal(field, UInt8(ascii: ",")) { commas += 1 }
      }
    }
    return commas > 0
  }

  /// Whether it is a number that has this point.
  private static func isDecimal(_ text: String, _ point: UInt8) -> Bool {
    text.utf8.contains(point) && isNumber(text, point: point)
  }

  private static func isNumber(_ text: String, point: UInt8 = 0x2E) -> Bool {
    CellNumber.parse(Array(text.utf8), point: point) != nil
  }
}
