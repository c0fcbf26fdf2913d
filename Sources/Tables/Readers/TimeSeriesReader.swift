import NumericContract

/// The `.ts` format of the aeon and UCR/UEA archives: a head of lines that start with @, then one
/// case a line, dimensions between colons, the values of each between commas, and the class last.
struct TimeSeriesReader {
  let file: DataFile
  let request: SequenceRequest
  let missing: MissingValues
  /// What takes the sequences in parts, without labels; nil where they are read as a whole.
  var parts: TableParts?

  private var contract: ContractVersion { request.contract }

  func read() throws -> SequenceTable {
    var isData = false
    // Whether cases end in a class, or in a number to predict.
    var hasClasses = false
    try requireOne()
    /// The names that the head lists; none where it lists none.
    var classes: Set<String> = []
    var set: SequenceTable?
    var lines = LineReader(file.stream, needsAll: true)
    var plain: [[Double]] = []
    while try lines.next() {
      if isData, let label = plainCase(lines, hasClasses: hasClasses, set?.features, &plain) {
        try append(plain, label, lines.number, &set)
        try requireClass(of: set, among: classes, lines.number)
        try parts?.end(&set, line: lines.number, of: nil, file: file)
        continue
      }
      let number = lines.number
      let text = lines.text
      let words = text.split(separator: " ", omittingEmptySubsequences: true)
      guard let first = words.first, !first.hasPrefix("#") else { continue }
      if isData {
        try readCase(text, number, hasClasses: hasClasses, &set)
        try requireClass(of: set, among: classes, number)
        try parts?.end(&set, line: number, of: nil, file: file)
        continue
      }
      let value = words.count > 1 ? words[1].lowercased() : ""
      switch first.lowercased() {
      case "@data": isData = true
      case "@classlabel":
        hasClasses = value == "true"
        if hasClasses, request.predictsOthers {
          throw file.failure(
            "line \(number)", "its cases have classes, and no numbers to predict (@targetLabel)",
            hint: "that is for task \"classification\"")
        }
        classes = Set(words.dropFirst(2).map(String.init))
      case "@targetlabel" where value == "true":
        guard request.predictsOthers || parts != nil else {
          throw file.failure(
            "line \(number)", "its cases have numbers to predict, and no classes",
            hint: "that is for task \"regression\"")
        }
        hasClasses = true
      case "@timestamps" where value == "true":
        throw file.failure("line \(number)", "time stamps are not supported")
      case let tag where !tag.hasPrefix("@"):
        throw file.failure("line \(number)", "expected a tag like @data, found \"\(first)\"")
      default: break
      }
    }
    if let set, request.predictsOthers, set.targets == nil {
      throw file.failure(
        nil, "its cases have no numbers to predict: there is no line \"@targetLabel true\"")
    }
    guard let set else {
      throw file.failure(nil, isData ? "there is no case after @data" : "there is no line @data")
    }
    return set
  }

  /// Throws where the last case has a class that the head does not list.
  private func requireClass(
    of set: SequenceTable?, among classes: Set<String>, _ number: Int
  ) throws {
    guard let label = set?.labels.last, !classes.isEmpty, !classes.contains(label) else { return }
    throw file.failure(
      "line \(number)",
      "has the class \"\(label)\", and @classLabel lists "
        + DataFileError.list(classes.sorted()),
      hint: "correct the line, or list the class")
  }

  private func readCase(
    _ text: String, _ number: Int, hasClasses: Bool, _ set: inout SequenceTable?
  ) throws {
    var parts = text.split(separator: ":", omittingEmptySubsequences: false)
    var label: String?
    if hasClasses {
      guard parts.count > 1 else {
        throw file.failure("line \(number)", "expected dimensions and a class between colons")
      }
      label = CSVReader.trimmed(String(parts.removeLast()))
    }
    if let features = set?.features, features != parts.count {
      throw file.failure(
        "line \(number)",
        "has \(parts.count) dimensions, expected \(features) as in the case before")
    }
    let dimensions = try parts.enumerated().map { index, part in
      try part.split(separator: ",", omittingEmptySubsequences: false).map {
        try value($0, "line \(number), dimension \(index + 1)")
      }
    }
    let length = dimensions[0].count
    if let other = dimensions.firstIndex(where: { $0.count != length }) {
      throw file.failure(
        "line \(number)",
        "dimension \(other + 1) has \(dimensions[other].count) values, dimension 1 has \(length)")
    }
    try append(dimensions, label, number, &set)
  }

  /// A case has one label.
  private func requireOne() throws {
    guard request.isOfSteps, parts == nil else { return }
    throw file.failure(
      nil, "a .ts file has one label or number of each case, and none of each step",
      hint: "set output.readout to \"last\" or \"mean\"")
  }

  private func append(
    _ dimensions: [[Double]], _ label: String?, _ line: Int, _ set: inout SequenceTable?
  ) throws {
    if set == nil {
      set = SequenceTable(columns: (1...dimensions.count).map { "dimension \($0)" })
    }
    for step in dimensions[0].indices {
      for dimension in dimensions { set?.numbers.append(dimension[step]) }
    }
    set?.endSequence()
    guard parts == nil else { return }
    set?.lines.append(line)
    guard let label else { return }
    if request.predictsOthers {
      if set?.targets == nil { set?.targets = TargetTable(names: ["target"], isOfSteps: false) }
      set?.targets?.numbers.append(try value(label[...], "line \(line), the number to predict"))
    } else {
      set?.labels.append(label)
    }
  }

  /// A case of plain decimal numbers without a fault, and its label; nil of any other line.
  ///
  /// - Parameter features: dimensions that it must have; nil for any number.
  private func plainCase(
    _ lines: LineReader, hasClasses: Bool, _ features: Int?, _ dimensions: inout [[Double]]
  ) -> String?? {
    let base = unsafe UnsafePointer(lines.stream.base)
    let number = CellNumber(contract: contract)
    var (place, end) = (lines.line.lowerBound, lines.line.upperBound)
    var label: String?
    if hasClasses {
      guard
        let colon = (place..<end).last(where: { unsafe base[$0] == UInt8(ascii: ":") })
      else { return nil }
      let bytes = unsafe UnsafeBufferPointer(start: base + colon + 1, count: end - colon - 1)
      label = CSVReader.trimmed(unsafe String(decoding: bytes, as: UTF8.self))
      end = colon
    }
    var count = 0
    repeat {
      if count == dimensions.count { dimensions.append([]) }
      dimensions[count].removeAll(keepingCapacity: true)
      repeat {
        guard let (value, after) = unsafe number.plain(base, from: place, to: end) else {
          return nil
        }
        dimensions[count].append(value)
        place = after + 1
      } while unsafe place <= end && base[place - 1] == UInt8(ascii: ",")
      count += 1
    } while unsafe place <= end && base[place - 1] == UInt8(ascii: ":")
    guard place > end, features ?? count == count,
      dimensions[..<count].allSatisfy({ $0.count == dimensions[0].count })
    else { return nil }
    dimensions.removeLast(dimensions.count - count)
    return .some(label)
  }

  private func value(_ text: Substring, _ place: String) throws -> Double {
    if missing.areFilled, missing.contains(String(text)) { return .nan }
    if text == "?" {
      throw file.failure(place, "a value is missing (?)", hint: MissingValues.hint)
    }
    return try file.number(text, place, contract)
  }
}
