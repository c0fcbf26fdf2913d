import Records
import Tasks

/// What stands for a missing number in a file, and what becomes of it.
struct MissingValues {
  let policy: MissingPolicy
  /// Whether numbers may be missing though that is an error: of steps that are to be forecast.
  private let allowsGaps: Bool
  private let words: Set<String>
  /// Whether the words are those of the config, letter by letter.
  private let knowsCase: Bool
  /// Words of the config that are numbers, such as -999, as columns have them.
  private let numbers: Set<Double>

  /// What means "missing" in the files of most programs, in small letters.
  private static let known: Set = ["", "na", "n/a", "#n/a", "nan", "null", "?", "-"]

  init(_ request: SequenceRequest) {
    policy = request.missing
    allowsGaps = request.parts != nil && !request.knownColumns.isEmpty
    words = request.missingWords.map { Set($0) } ?? Self.known
    knowsCase = request.missingWords != nil
    numbers = Set(
      (request.missingWords ?? []).compactMap {
        CellNumber.parse(Array($0.utf8), contract: request.contract)
      })
  }

  /// Whether there may be missing numbers.
  var areFilled: Bool { policy != .error || allowsGaps }

  /// Whether a text stands for a missing number.
  func contains(_ text: String) -> Bool {
    let text = CSVReader.trimmed(text)
    return words.contains(knowsCase ? text : text.lowercased())
  }

  /// Whether a value of JSON stands for a missing number.
  func isMissing(_ value: OrderedJSON) -> Bool {
    switch value {
    case .null: true
    case .string(let text): contains(text)
    default: value.doubleValue.map { contains($0) } ?? false
    }
  }

  /// How to go on where a number is missing, or seems to be.
  static let hint =
    "set data.missing to \"forward\", \"mean\" or \"mask\" to go on without what is "
    + "missing"

  /// What the policy does, in words.
  var treatment: String {
    switch policy {
    case .error, .drop: "an error"
    case .forward: "taken from the step before"
    case .mean: "taken for the column's mean"
    case .mask: "read as 0 with an input that says so, and are no targets"
    }
  }
}

extension MissingValues {
  /// Whether a number stands for a missing one.
  @inline(__always) func contains(_ number: Double) -> Bool { numbers.contains(number) }

  /// Makes the numbers of a table that stand for missing ones missing.
  ///
  /// - Throws: where they are an error.
  func apply(to table: inout SequenceTable, path: String) throws {
    if !numbers.isEmpty {
      let columns = table.columns
      var found: (column: String, number: Double)?
      table.numbers.replace { column, number in
        guard contains(number) else { return number }
        if found == nil { found = (columns[column], number) }
        return .nan
      }
      if let found, !areFilled {
        throw DataFileError(
          path: path, place: "column \"\(found.column)\"",
          problem: "has \(found.number), which data.missing_values lists", hint: Self.hint)
      }
    }
    table.remark(self)
  }
}

extension SequenceTable {
  /// Takes note of the numbers that are missing, for people.
  fileprivate mutating func remark(_ missing: MissingValues) {
    guard missing.areFilled else { return }
    var counts = [Int](repeating: 0, count: features)
    numbers.forEach(in: 0..<numbers.rows, Array(columns.indices)) { column, number in
      if number.isNaN { counts[column] += 1 }
    }
    let concerned = columns.indices.filter { counts[$0] > 0 }
    guard !concerned.isEmpty else { return }
    let shown = concerned.prefix(12).map {
      "\"\(columns[$0])\" \(Format.grouped(counts[$0]))"
    }
    remarks.append(
      "of \(Format.grouped(numbers.rows)) steps numbers are missing, and "
        + "\(missing.treatment) (data.missing): \(shown.joined(separator: ", "))"
        + (concerned.count > shown.count ? ", ..." : ""))
  }
}
