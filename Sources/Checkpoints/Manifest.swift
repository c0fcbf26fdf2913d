import NumericContract
import Records

/// What a checkpoint consists of: the length and SHA-256 of each of its files.
///
/// It is written last. Its own digest covers its values, so that no altered manifest is believed.
package struct Manifest: Sendable, Equatable {
  /// One file of the checkpoint.
  package struct File: Sendable, Equatable {
    /// A plain name, without directories.
    package let name: String
    package let bytes: Int
    /// 64 hexadecimal digits.
    package let sha256: String
  }

  /// The version of the layout of checkpoints that this program writes and reads.
  package static let formatVersion = 1
  /// The manifest's name within a checkpoint.
  package static let fileName = "manifest.json"
  /// The version of the numeric contract under which the state came about.
  package let contractVersion: Int
  package let step: Int
  package let files: [File]

  /// The digest of all values, whatever the JSON looks like.
  private var digest: String {
    var text = "gru-dist \(Self.formatVersion) \(contractVersion) \(step)\n"
    for file in files { text += "\(file.bytes) \(file.sha256) \(file.name)\n" }
    return SHA256.hash(of: Array(text.utf8))
  }

  /// The text of `manifest.json`.
  func encoded() throws(CheckpointError) -> [UInt8] {
    let entries = files.map { file -> OrderedJSON in
      ["bytes": .integer(file.bytes), "name": .string(file.name), "sha256": .string(file.sha256)]
    }
    return try CheckpointJSON.encode(
      [
        "format": .string(Self.format), "format_version": .integer(Self.formatVersion),
        "contract_version": .integer(contractVersion), "step": .integer(step),
        "files": .array(entries), "digest": .string(digest),
      ], file: Self.fileName)
  }

  init(contractVersion: Int, step: Int, files: [File]) {
    self.contractVersion = contractVersion
    self.step = step
    self.files = files
  }

  /// Reads the text of `manifest.json`.
  ///
  /// - Throws: `CheckpointError.damaged`, `.unsupportedFormat`.
  package init(text: [UInt8], path: String) throws(CheckpointError) {
    let head = try CheckpointJSON.decode(text, path: path) { fields throws(JSONFieldError) in
      (format: try fields.string("format"), version: try fields.integer("format_version"))
    }
    guard head.format == Self.format else {
      throw .damaged(path: path, reason: "format is '\(head.format)', expected '\(Self.format)'")
    }
    guard head.version == Self.formatVersion else {
      throw .unsupportedFormat(path: path, found: head.version, supported: Self.formatVersion)
    }
    let statedDigest: String
    (self, statedDigest) = try CheckpointJSON.decode(text, path: path) {
      fields throws(JSONFieldError) in
      let files = try fields.array("files", of: "files with bytes, name and sha256", File.init)
      let manifest = Manifest(
        contractVersion: try fields.integer("contract_version"), step: try fields.integer("step"),
        files: files)
      return (manifest, try fields.string("digest"))
    }
    guard digest == statedDigest else {
      throw .damaged(path: path, reason: "its values do not give the digest that it states")
    }
    guard step >= 0, !files.isEmpty, Set(files.map(\.name)).count == files.count,
      files.allSatisfy({ $0.bytes >= 0 && Self.isPlain($0.name) })
    else {
      throw .damaged(path: path, reason: "its list of files is impossible")
    }
  }

  /// Whether a name stays within the checkpoint's directory and is not the manifest's own.
  static func isPlain(_ name: String) -> Bool {
    !name.isEmpty && name.first != "." && name != fileName
      && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 < 32 }
  }

  private static let format = "gru-dist checkpoint"
}

extension Manifest.File {
  fileprivate init?(_ json: OrderedJSON) {
    guard let name = json["name"]?.stringValue, let bytes = json["bytes"]?.wholeValue,
      let sha256 = json["sha256"]?.stringValue
    else { return nil }
    self.init(name: name, bytes: bytes, sha256: sha256)
  }
}

/// The JSON files of a checkpoint, with its errors.
enum CheckpointJSON {
  /// The UTF-8 text of a value: sorted names, indented, one line end at the end.
  ///
  /// - Parameter file: the name the text is for, for the error.
  static func encode(_ value: OrderedJSON, file: String) throws(CheckpointError) -> [UInt8] {
    do throws(JSONFieldError) {
      return Array(try value.sortedPretty().utf8)
    } catch {
      throw .unencodable(file: file, reason: "\(error)")
    }
  }

  /// What `read` makes of the object that a UTF-8 text describes.
  static func decode<Value>(
    _ text: [UInt8], path: String, _ read: (JSONFields) throws(JSONFieldError) -> Value
  ) throws(CheckpointError) -> Value {
    let value: OrderedJSON
    do throws(JSONSyntaxError) {
      value = try OrderedJSON(parsing: text)
    } catch {
      throw .damaged(path: path, reason: "\(error)")
    }
    do throws(JSONFieldError) {
      return try read(try JSONFields(value))
    } catch {
      throw .damaged(path: path, reason: "\(error)")
    }
  }
}
