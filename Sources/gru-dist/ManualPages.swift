import ArgumentParser
import Foundation
import Records

/// The commands' help as pages for `man`.
struct ManualPages {
  /// A file of section 1.
  struct Page {
    let name: String
    let text: String
  }

  private(set) var pages: [Page] = []

  /// - Throws: where the parser's description of the commands is not as it was.
  init() throws {
    guard let root = try OrderedJSON(parsing: GRUDist._dumpHelp())["command"] else {
      throw UsageError("the commands cannot be described")
    }
    try add(root, below: [], seeAlso: [])
  }

  private mutating func add(
    _ command: OrderedJSON, below above: [String], seeAlso related: [String]
  ) throws {
    guard let name = command["commandName"]?.stringValue else {
      throw UsageError("a command without a name cannot be described")
    }
    if command["shouldDisplay"] == .bool(false) || name == "help" { return }
    let path = above + [name]
    let inner = command.items("subcommands").filter {
      $0["shouldDisplay"] != .bool(false) && $0["commandName"] != "help"
    }
    let title = path.joined(separator: "-")
    let others = inner.compactMap { $0["commandName"]?.stringValue }.map { "\(title)-\($0)" }
    var page = ManualPage(title: title, abstract: command["abstract"]?.stringValue ?? "")
    page.synopsis(path, command.items("arguments"), hasCommands: !inner.isEmpty)
    page.description(command["discussion"]?.stringValue ?? "")
    page.options(command.items("arguments"))
    if !inner.isEmpty { page.commands(inner, title: title) }
    page.end(seeAlso: related + others)
    pages.append(Page(name: "\(title).1", text: page.text))
    for command in inner { try add(command, below: path, seeAlso: [title]) }
  }
}

/// One page, in the macros of man(7).
private struct ManualPage {
  private var lines: [String]
  private var examples: [String] = []

  var text: String { lines.joined(separator: "\n") + "\n" }

  init(title: String, abstract: String) {
    lines = [
      ".TH \"\(title.uppercased())\" \"1\" \"\" \"gru-dist \(programVersion)\" \"gru-dist\"",
      ".SH NAME", Self.escaped(title) + " \\- " + Self.escaped(abstract.trimmedEnd),
    ]
  }

  mutating func synopsis(_ path: [String], _ arguments: [OrderedJSON], hasCommands: Bool) {
    lines += [".SH SYNOPSIS", "\\fB\(Self.escaped(path.joined(separator: " ")))\\fR"]
    var words: [String] = []
    for argument in arguments where argument["shouldDisplay"] != .bool(false) {
      guard argument["isOptional"] != .bool(true) else { continue }
      words.append(Self.usage(of: argument))
    }
    let isOptional = arguments.contains {
      $0["kind"] != "positional" && $0["isOptional"] == .bool(true)
    }
    if isOptional { words.insert("[\\fIoption\\fR ...]", at: 0) }
    for argument in arguments where argument["kind"] == "positional" {
      if argument["isOptional"] == .bool(true) { words.append("[\(Self.usage(of: argument))]") }
    }
    if hasCommands { words.append("\\fIcommand\\fR ...") }
    lines.append(words.joined(separator: " "))
  }

  mutating func description(_ discussion: String) {
    let parts = discussion.split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
    var body = parts
    if let start = parts.firstIndex(where: { ["EXAMPLES", "Examples:"].contains($0) }) {
      examples = Array(parts[(start + 1)...])
      body = Array(parts[..<start])
    }
    while body.last?.isEmpty == true { body.removeLast() }
    guard !body.isEmpty else { return }
    lines.append(".SH DESCRIPTION")
    var isFirst = true
    for line in body {
      if line.isEmpty {
        lines.append(".PP")
        isFirst = true
      } else {
        if !isFirst { lines.append(".br") }
        lines.append(Self.escaped(line))
        isFirst = false
      }
    }
  }

  mutating func options(_ arguments: [OrderedJSON]) {
    let shown = arguments.filter { $0["shouldDisplay"] != .bool(false) }
    guard !shown.isEmpty else { return }
    lines.append(".SH OPTIONS")
    var title = ""
    for argument in shown {
      let section = argument["sectionTitle"]?.stringValue ?? ""
      if section != title, !section.isEmpty { lines.append(".SS \(Self.escaped(section))") }
      if section != title, section.isEmpty { lines.append(".SS Others") }
      title = section
      lines += [".TP", Self.names(of: argument)]
      var words = argument["abstract"]?.stringValue ?? ""
      if let values = argument["allValues"]?.texts, !values.isEmpty {
        words += " Values: \(values.joined(separator: ", "))."
      }
      if let fallback = argument["defaultValue"]?.stringValue { words += " Default: \(fallback)." }
      lines.append(words.isEmpty ? "\\&" : Self.escaped(words))
      if let more = argument["discussion"]?.stringValue {
        lines += [".sp", Self.escaped(more.replacing("\n", with: " "))]
      }
    }
  }

  mutating func commands(_ commands: [OrderedJSON], title: String) {
    lines.append(".SH COMMANDS")
    for command in commands {
      let name = command["commandName"]?.stringValue ?? ""
      lines += [
        ".TP", "\\fB\(Self.escaped("\(title)-\(name)"))\\fR(1)",
        Self.escaped(command["abstract"]?.stringValue ?? ""),
      ]
    }
  }

  mutating func end(seeAlso pages: [String]) {
    if !examples.isEmpty {
      lines += [".SH EXAMPLES", ".nf"] + examples.map { Self.escaped($0) } + [".fi"]
    }
    lines.append(".SH EXIT STATUS")
    for (status, words) in ExitStatus.meanings {
      lines += [".TP", "\\fB\(status)\\fR", Self.escaped(words)]
    }
    guard !pages.isEmpty else { return }
    lines += [
      ".SH SEE ALSO",
      pages.map { "\\fB\(Self.escaped($0))\\fR(1)" }.joined(separator: ", "),
    ]
  }

  private static func usage(of argument: OrderedJSON) -> String {
    let more = argument["isRepeating"] == .bool(true) ? " ..." : ""
    let value = "\\fI\(escaped(argument["valueName"]?.stringValue ?? "value"))\\fR"
    if argument["kind"] == "positional" { return value + more }
    let name = "\\fB\(escaped(option(argument["preferredName"])))\\fR"
    return (argument["kind"] == "flag" ? name : "\(name) \(value)") + more
  }

  private static func names(of argument: OrderedJSON) -> String {
    let value = "\\fI\(escaped(argument["valueName"]?.stringValue ?? "value"))\\fR"
    if argument["kind"] == "positional" { return value }
    let names = argument.items("names").map { "\\fB\(escaped(option($0)))\\fR" }
      .joined(separator: ", ")
    return argument["kind"] == "flag" ? names : "\(names) \(value)"
  }

  private static func option(_ name: OrderedJSON?) -> String {
    (name?["kind"] == "long" ? "--" : "-") + (name?["name"]?.stringValue ?? "")
  }

  /// A line as roff takes it.
  private static func escaped(_ text: String) -> String {
    let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
    return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
  }
}

extension OrderedJSON {
  fileprivate func items(_ name: String) -> [OrderedJSON] {
    if case .array(let items)? = self[name] { items } else { [] }
  }

  fileprivate var texts: [String]? {
    if case .array(let items) = self { items.compactMap(\.stringValue) } else { nil }
  }
}

extension String {
  /// Without the full stop at its end.
  fileprivate var trimmedEnd: String { hasSuffix(".") ? String(dropLast()) : self }
}
