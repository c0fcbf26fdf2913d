import Foundation
package import Records

/// The JSON of a config with what the command line sets in it, and where every value comes from.
struct ConfigFile {
  private(set) var value: OrderedJSON
  private(set) var source: ConfigSource

  init(json: [UInt8], name: String, overrides: [ConfigOverride]) throws(ConfigError) {
    do {
      let document = try JSONDocument(parsing: json)
      value = document.value
      source = ConfigSource(file: name, positions: document.positions)
    } catch {
      throw ConfigError(place: "\(name):\(error.position)", problem: "not JSON: \(error.reason)")
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
      throw ConfigError(place: file, problem: "no such config file")
    }
    if isDirectory.boolValue {
      throw ConfigError(place: file, problem: "expected a config file, found a directory")
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
