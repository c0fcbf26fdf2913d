import Corpora
import Datasets
import Foundation
import Records
import Tasks

/// Directories of texts: a file a class, an example a line, or a folder a class, an example a file.
extension TextReader {
  func readDirectory(_ path: String, _ table: inout TextTable) throws {
    try requireNoTableKeys(path)
    func failure(_ problem: String, hint: String? = nil) -> DataFileError {
      DataFileError(path: path, place: nil, problem: problem, hint: hint)
    }
    guard let entries = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw failure("cannot be read; check its permissions")
    }
    func isFolder(_ name: String) -> Bool { FileStatus("\(path)/\(name)")?.kind == .directory }
    let visible = entries.filter { !$0.hasPrefix(".") }.sorted {
      Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8))
    }
    let names = visible.filter { !Self.isCopy($0) || isFolder($0) }
    let folders = names.filter(isFolder)
    let hidden = entries.count - visible.count
    if hidden > 0 { table.remarks.append("hidden files are left out: \(hidden)") }
    let copies = visible.filter { !names.contains($0) }
    if !copies.isEmpty {
      table.remarks.append(
        "files that editors leave behind are no classes, and are left out: "
          + DataFileError.list(copies))
    }
    if names.isEmpty {
      throw failure(
        "is an empty directory", hint: "expected a file a class, or a folder a class")
    }
    guard folders.isEmpty else {
      table.form = "a folder a class, a text a file"
      let others = names.filter { !isFolder($0) }
      if folders.count == 1, others.count > 1 {
        throw failure(
          "has one folder, \"\(folders[0])\", beside \(Format.count(others.count, "file")), and is "
            + "neither a file a class nor a folder a class",
          hint: "move the folder, or the files, elsewhere")
      }
      if !others.isEmpty {
        table.remarks.append(
          "files beside the folders of classes are left out: \(DataFileError.list(others))")
      }
      return try readFolders(folders, of: path, &table)
    }
    table.form = "a file a class, a text a line"
    try readFiles(names, of: path, &table)
  }

  /// Throws where the config says how a table is read, which has no effect on a directory.
  private func requireNoTableKeys(_ path: String) throws {
    // Another directory may be measured on than the table that a run was trained on.
    guard path == request.train, !request.growsWindow, parts == nil else { return }
    let usual = TextRequest(learning: text.learning)
    let set: [(key: String, isSet: Bool)] = [
      ("data.text", text.column != usual.column),
      ("data.label", request.labelColumn != SequenceRequest.labelColumn),
      ("data.header", !request.hasHeader), ("data.decimal", request.decimal != nil),
      ("data.comment", request.remark != nil), ("data.format", request.format != .auto),
      ("data.ignore_label", request.ignoredLabel != nil),
    ]
    guard let key = set.first(where: \.isSet)?.key else { return }
    throw DataFileError(
      path: path, place: nil,
      problem:
        "is a directory, and \(key) is for tables and lines of JSON: it would change nothing",
      hint: "leave \(key) out; the classes are the names of files, or of folders")
  }

  /// Whether a file is what an editor leaves behind beside the one that it is called after.
  private static func isCopy(_ name: String) -> Bool {
    let name = name.lowercased()
    return name.hasSuffix("~") || name.hasPrefix("#") && name.hasSuffix("#")
      || ["bak", "swp", "swo", "orig", "tmp"].contains(name.split(separator: ".").dropFirst().last)
  }

  /// A file a class, an example a line.
  private func readFiles(_ names: [String], of path: String, _ table: inout TextTable) throws {
    var classes: [String: String] = [:]
    var fingerprints: [String] = []
    for name in names {
      let label = Self.stem(name)
      if let other = classes.updateValue(name, forKey: label) {
        throw DataFileError(
          path: path, place: nil,
          problem: "the files \"\(other)\" and \"\(name)\" are of one class, \"\(label)\"",
          hint: "put them together, or call them otherwise")
      }
      let file = try DataFile(path: "\(path)/\(name)", progress: request.progress)
      try file.requireFormat(.csv)
      table.begin(file: file.path)
      try inText(of: file) { try appendLines(of: file, label: label, &table) }
      fingerprints.append(file.fingerprint)
    }
    table.end(fingerprints: fingerprints, names: names)
  }

  /// A folder a class, an example a file.
  private func readFolders(_ names: [String], of path: String, _ table: inout TextTable) throws {
    var fingerprints: [String] = []
    var known: [String] = []
    for name in names {
      let folder = try TextFolder("\(path)/\(name)")
      if let words = folder.leftOut.words { table.remarks.append("\"\(name)\": \(words)") }
      if folder.files.isEmpty {
        throw DataFileError(
          path: "\(path)/\(name)", place: nil, problem: "is a folder of a class without a text")
      }
      for place in folder.files {
        let file = try DataFile(path: place, progress: request.progress)
        try file.requireFormat(.csv)
        table.begin(file: place)
        try inText(of: file) { try appendWhole(file, label: name, &table) }
        fingerprints.append(file.fingerprint)
        known.append(String(place.dropFirst(path.count)))
      }
    }
    table.end(fingerprints: fingerprints, names: known)
  }

  /// A file's name without what its form is called by: "Arabic.txt" and "Arabic.txt.gz" are of
  /// "Arabic".
  private static func stem(_ name: String) -> String {
    var words = name.split(separator: ".", omittingEmptySubsequences: false)
    if words.count > 2, words.last == "gz" { words.removeLast() }
    if words.count > 1 { words.removeLast() }
    return words.joined(separator: ".")
  }
}
