import Foundation

/// The `.ts` format of the aeon and UCR/UEA archives: a head of lines that start with @, then one
/// case a line, dimensions between colons, the values of each between commas, and the class last.
struct TimeSeriesReader {
  let file: DataFile

  func read() throws -> SequenceTable {
    var isData = false
    var hasClasses = false
    var set: SequenceTable?
    try file.forEachLine { number, line in
      let text = String(decoding: line, as: UTF8.self)
      let words = text.split(separator: " ", omittingEmptySubsequences: true)
      guard let first = words.first, !first.hasPrefix("#") else { return }
      if isData {
        try readCase(text, number, hasClasses: hasClasses, &set)
        return
      }
      let value = words.count > 1 ? words[1].lowercased() : ""
      switch first.lowercased() {
      case "@data": isData = true
      case "@classlabel": hasClasses = value == "true"
      case "@targetlabel" where value == "true":
        throw file.failure(
          "line \(number)", "real-valued targets of whole series are not supported")
      case "@timestamps" where value == "true":
        throw file.failure("line \(number)", "time stamps are not supported")
      case let tag where !tag.hasPrefix("@"):
        throw file.failure("line \(number)", "expected a tag like @data, found \"\(first)\"")
      default: break
      }
    }
    guard let set else {
      throw file.failure(nil, isData ? "there is no case after @data" : "there is no line @data")
    }
    return set
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
      label = parts.removeLast().trimmingCharacters(in: .whitespaces)
    }
    if set == nil { set = SequenceTable(columns: (1...parts.count).map { "dimension \($0)" }) }
    guard var result = set, result.features == parts.count else {
      throw file.failure(
        "line \(number)",
        "has \(parts.count) dimensions, expected \(set?.features ?? 0) as in the case before")
    }
    set = nil
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
    for step in 0..<length {
      for dimension in dimensions { result.numbers.append(dimension[step]) }
    }
    result.endSequence()
    if let label { result.labels.append(label) }
    set = result
  }

  private func value(_ text: Substring, _ place: String) throws -> Double {
    if text == "?" {
      throw file.failure(place, "a value is missing (?)", hint: "fill in missing values first")
    }
    return try file.number(text, place)
  }
}
