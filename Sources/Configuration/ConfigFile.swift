import Foundation
package import Records

/// The JSON of a config with what the command line sets in it, and where every value comes from.
struct ConfigFile {
  private(set) var value: OrderedJSON
  private(set) var source: ConfigSource

  init(json: [UInt8], name: String, overrides: [ConfigOverride]) throws(ConfigError) {
    do {
      let document = try JSONDocument(parsing: json, allowsComments: true)
      value = document.value
      source = ConfigSource(file: name, positions: document.positions)
    } catch {
      throw ConfigError(
        place: "\(name):\(error.position)", problem: "not JSON: \(error.reason)",
        hint: Self.hint(ofText: json, name: name))
    }
    for override in overrides { try apply(override) }
  }

  private mutating func apply(_ override: ConfigOverride) throws(ConfigError) {
    let assignment = override.assignment
    guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
      throw ConfigError(place: override.option, problem: "expected key.path=value")
    }
    let key = String(assignment[..<equals])
    let text = String(assignment[assignment.index(after: equals)...])
    let path = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if path.contains("") {
      throw ConfigError(place: override.option, problem: "\"\(key)\" is no key path")
    }
    let parsed = (try? OrderedJSON(parsing: text)) ?? .string(text)
    if let obstacle = value.set(parsed, at: path) {
      throw ConfigError(
        place: override.option, problem: "\(obstacle.joined(separator: ".")) is not a section")
    }
    source.overrides[key] = override.option
  }

  /// The bytes of a file that can be a config.
  static func bytes(of file: String) throws(ConfigError) -> [UInt8] {
    let largest = 4 << 20
    var isDirectory: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory) else {
      throw ConfigError(
        place: file, problem: "no such config file", hint: hint(ofMissing: file))
    }
    if isDirectory.boolValue {
      throw ConfigError(
        place: file, problem: "expected a config file, found a directory",
        hint: hint(ofDirectory: file))
    }
    let data: [UInt8]
    do throws(InputError) {
      data = try InputFile.bytes(of: file, atMost: largest + 1, allowingPipe: true)
    } catch .system(EACCES) {
      throw ConfigError(
        place: file, problem: "the config file cannot be opened", hint: "check its permissions")
    } catch {
      throw ConfigError(place: file, problem: "the config file cannot be read: \(error)")
    }
    guard !data.isEmpty else {
      throw ConfigError(place: file, problem: "the file is empty, expected a config in JSON")
    }
    guard data.count <= largest else {
      throw ConfigError(place: file, problem: "larger than 4 MiB, which is no config")
    }
    return data
  }
}

/// What to do with something else in place of a config.
extension ConfigFile {
  /// A file that is no JSON, and seems to be no config either.
  private static func hint(ofText bytes: [UInt8], name: String) -> String? {
    let space: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF]
    let first = bytes.first { !space.contains($0) }
    let ending = name.lowercased().split(separator: ".").dropFirst().last.map(String.init) ?? ""
    let isObject = first == UInt8(ascii: "{") || first == UInt8(ascii: "/")
    if isObject, ending != "jsonl", ending != "ndjson" { return nil }
    if ending == "json" { return "a config is an object, such as {\"data\": {\"train\": ...}}" }
    let isText = ["", "txt", "text", "md", "tokens"].contains(ending)
    let task = isText ? "language" : "TASK"
    return "if it is to be trained on, `gru-dist init \(task) --train \(name)` writes a config"
      + (isText ? "" : "; `gru-dist init` lists the tasks")
  }

  /// The config in the same directory whose name is nearly that.
  private static func hint(ofMissing file: String) -> String? {
    let parts = file.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard let name = parts.last, !name.isEmpty else { return nil }
    let folder = parts.dropLast().joined(separator: "/")
    let near = configs(in: parts.count == 1 ? "." : folder.isEmpty ? "/" : folder).filter {
      $0 == name + ".json" || editDistance($0, name) <= 2
    }
    guard let first = near.first else { return nil }
    return "did you mean \((parts.dropLast() + [first]).joined(separator: "/"))?"
  }

  private static func hint(ofDirectory path: String) -> String? {
    let config = "\(path)/\(RunFiles.config)"
    let isRun = [RunFiles.metrics, RunFiles.checkpoints].contains {
      FileStatus("\(path)/\($0)") != nil
    }
    if isRun, FileStatus(config) != nil {
      return "it is a run: `gru-dist \(config) --resume` goes on with it"
    }
    let configs = configs(in: path)
    if configs.isEmpty {
      return "if it is to be trained on, `gru-dist init TASK --train \(path)` writes a config"
    }
    return "it has \(configs.prefix(6).joined(separator: ", "))"
      + (configs.count > 6 ? " and \(configs.count - 6) more" : "")
  }

  /// Names of files in a directory that may be configs, in order.
  private static func configs(in directory: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted()
  }
}

/// A value of a config that the command line sets.
package struct ConfigOverride: Sendable {
  /// "key.path=value", the value as JSON or else as a string.
  package var assignment: String
  /// The option as it was given, for error messages.
  package var option: String

  /// What `--set` gives.
  package init(set assignment: String) {
    self.assignment = assignment
    option = "--set \(assignment)"
  }

  /// What an option with a name of its own gives for one key.
  package init(_ key: String, _ value: OrderedJSON, option: String) {
    assignment = "\(key)=\(value.line)"
    self.option = "\(option) \(value.stringValue ?? value.line)"
  }
}
