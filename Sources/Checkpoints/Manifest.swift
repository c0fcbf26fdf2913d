import NumericContract

/// What a checkpoint consists of: the length and SHA-256 of each of its files.
///
/// It is written last. Its own digest covers its values, so that no altered manifest is believed.
package struct Manifest: Sendable, Equatable {
  /// One file of the checkpoint.
  package struct File: Sendable, Equatable, Codable {
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
    let members = Members(
      format: Self.format, formatVersion: Self.formatVersion, contractVersion: contractVersion,
      step: step, files: files, digest: digest)
    return try JSONCoding.encode(members, file: Self.fileName)
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
    let head = try JSONCoding.decode(Head.self, from: text, path: path)
    guard head.format == Self.format else {
      throw .damaged(path: path, reason: "format is '\(head.format)', expected '\(Self.format)'")
    }
    guard head.formatVersion == Self.formatVersion else {
      throw .unsupportedFormat(
        path: path, found: head.formatVersion, supported: Self.formatVersion)
    }
    let members = try JSONCoding.decode(Members.self, from: text, path: path)
    contractVersion = members.contractVersion
    step = members.step
    files = members.files
    guard digest == members.digest else {
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

  /// What must be known before the rest can be understood.
  private struct Head: Decodable {
    let format: String
    let formatVersion: Int

    enum CodingKeys: String, CodingKey {
      case format
      case formatVersion = "format_version"
    }
  }

  /// The members of the JSON object.
  private struct Members: Codable {
    let format: String
    let formatVersion: Int
    let contractVersion: Int
    let step: Int
    let files: [File]
    let digest: String

    enum CodingKeys: String, CodingKey {
      case format, step, files, digest
      case formatVersion = "format_version"
      case contractVersion = "contract_version"
    }
  }
}
