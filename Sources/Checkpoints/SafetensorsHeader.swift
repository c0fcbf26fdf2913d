import Records

/// The head of a safetensors file: which tensors follow, where, and free text about them.
///
/// The file is 8 bytes of header length (little-endian), the header as JSON padded with spaces, and
/// the tensors' bytes without gaps. `data_offsets` count from the end of the header.
package struct SafetensorsHeader: Sendable, Equatable {
  /// A tensor and its bytes' place, counted from the start of the file.
  package struct Entry: Sendable, Equatable {
    package let tensor: TensorDescription
    package let range: Range<Int>
  }

  /// In the order of their bytes.
  package let entries: [Entry]
  package let metadata: [String: String]
  /// Where the tensors' bytes begin, counted from the start of the file.
  package let dataOffset: Int
  /// Length of the whole file.
  package let fileBytes: Int

  /// The longest header that is read, as in the reference implementation.
  static let longestHeader = 100_000_000
  static let metadataKey = "__metadata__"

  /// The entry of that name.
  package subscript(name: String) -> Entry? { entries.first { $0.tensor.name == name } }

  /// Lays out a new file whose data starts at a multiple of 64 bytes.
  ///
  /// Preconditions: names differ and none is `__metadata__`.
  /// - Returns: the header and the bytes it is written as.
  static func laidOut(
    _ tensors: [TensorDescription], metadata: [String: String], file: String
  ) throws(CheckpointError) -> (header: SafetensorsHeader, bytes: [UInt8]) {
    let names = Set(tensors.map(\.name))
    precondition(names.count == tensors.count, "\(file): tensor names are not unique")
    precondition(!names.contains(metadataKey), "\(file): no tensor may be named \(metadataKey)")
    var members: [OrderedJSON.Member] = []
    if !metadata.isEmpty {
      members.append(
        .init(metadataKey, .object(metadata.map { .init($0.key, .string($0.value)) })))
    }
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.byteCount
      let fields: OrderedJSON = [
        "data_offsets": .array([.integer(offset), .integer(end)]),
        "dtype": .string(tensor.type.rawValue),
        "shape": .array(tensor.shape.map { .integer($0) }),
      ]
      members.append(.init(tensor.name, fields))
      offset = end
    }
    var json: [UInt8]
    do throws(JSONFieldError) {
      json = Array(try OrderedJSON.object(members).sortedLine().utf8)
    } catch {
      throw .unencodable(file: file, reason: "\(error)")
    }
    while (8 + json.count) % 64 != 0 { json.append(UInt8(ascii: " ")) }
    let length = (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) }

    var entries: [Entry] = []
    var place = 8 + json.count
    for tensor in tensors {
      entries.append(Entry(tensor: tensor, range: place..<place + tensor.byteCount))
      place += tensor.byteCount
    }
    let header = SafetensorsHeader(
      entries: entries, metadata: metadata, dataOffset: 8 + json.count, fileBytes: place)
    return (header, length + json)
  }

  private init(
    entries: [Entry], metadata: [String: String], dataOffset: Int, fileBytes: Int
  ) {
    self.entries = entries
    self.metadata = metadata
    self.dataOffset = dataOffset
    self.fileBytes = fileBytes
  }

  /// The length of the JSON text that the first 8 bytes of a file announce.
  static func jsonLength(
    of lengthBytes: [UInt8], fileBytes: Int, path: String
  ) throws(CheckpointError) -> Int {
    guard fileBytes >= 8, lengthBytes.count == 8 else {
      throw .damaged(
        path: path, reason: "\(fileBytes) bytes, expected at least 8 of a safetensors file")
    }
    let announced = lengthBytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let most = min(longestHeader, fileBytes - 8)
    guard announced >= 2, announced <= UInt64(most) else {
      throw .damaged(
        path: path, reason: "header of \(announced) bytes announced, expected 2 to \(most)")
    }
    return Int(announced)
  }

  /// Reads the header's JSON text.
  ///
  /// - Throws: `CheckpointError.damaged` unless the tensors fill the file exactly, each with the
  ///   bytes that its type and shape ask for.
  init(json: [UInt8], fileBytes: Int, path: String) throws(CheckpointError) {
    guard json.first == UInt8(ascii: "{") else {
      throw .damaged(path: path, reason: "header does not begin with '{'")
    }
    let text: OrderedJSON
    do throws(JSONSyntaxError) {
      text = try OrderedJSON(parsing: json)
    } catch {
      throw .damaged(path: path, reason: "\(error)")
    }
    guard case .object(let members) = text else {
      throw .damaged(path: path, reason: "header is \(text.kind), expected an object")
    }
    dataOffset = 8 + json.count
    self.fileBytes = fileBytes
    var metadata: [String: String] = [:]
    var entries: [Entry] = []
    for member in members {
      let isMetadata = member.name == Self.metadataKey
      if isMetadata, let text = Self.texts(of: member.value) {
        metadata = text
      } else if !isMetadata, let fields = TensorFields(member.value) {
        entries.append(try Self.entry(member.name, fields, 8 + json.count, fileBytes, path))
      } else {
        throw .damaged(
          path: path, reason: "'\(member.name)' is not the description of a tensor")
      }
    }
    // Empty tensors share their place with the next one; names make the order definite.
    entries.sort {
      ($0.range.lowerBound, $0.range.upperBound, $0.tensor.name)
        < ($1.range.lowerBound, $1.range.upperBound, $1.tensor.name)
    }
    var end = dataOffset
    for entry in entries {
      guard entry.range.lowerBound == end else {
        throw .damaged(
          path: path,
          reason: "tensor '\(entry.tensor.name)' starts at byte \(entry.range.lowerBound), "
            + "expected \(end)")
      }
      end = entry.range.upperBound
    }
    guard end == fileBytes else {
      throw .damaged(path: path, reason: "\(fileBytes) bytes, expected \(end) by its header")
    }
    self.metadata = metadata
    self.entries = entries
  }

  /// The members of an object of nothing but strings.
  private static func texts(of json: OrderedJSON) -> [String: String]? {
    guard case .object(let members) = json else { return nil }
    var texts: [String: String] = [:]
    for member in members {
      guard let text = member.value.stringValue else { return nil }
      texts[member.name] = text
    }
    return texts
  }

  /// Checks one tensor's fields against its own size and the file's.
  private static func entry(
    _ name: String, _ fields: TensorFields, _ dataOffset: Int, _ fileBytes: Int,
    _ path: String
  ) throws(CheckpointError) -> Entry {
    guard let type = ElementType(rawValue: fields.type) else {
      throw .damaged(path: path, reason: "tensor '\(name)' has unknown type '\(fields.type)'")
    }
    guard let tensor = TensorDescription(name: name, type: type, shape: fields.shape) else {
      throw .damaged(path: path, reason: "tensor '\(name)' has impossible shape \(fields.shape)")
    }
    let offsets = fields.offsets
    guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1],
      offsets[1] <= fileBytes - dataOffset
    else {
      throw .damaged(
        path: path,
        reason: "tensor '\(name)' has data_offsets \(offsets), expected two ascending up to "
          + "\(fileBytes - dataOffset)")
    }
    guard offsets[1] - offsets[0] == tensor.byteCount else {
      throw .damaged(
        path: path,
        reason: "tensor '\(name)' has \(offsets[1] - offsets[0]) bytes, expected "
          + "\(tensor.byteCount) for \(tensor)")
    }
    return Entry(tensor: tensor, range: dataOffset + offsets[0]..<dataOffset + offsets[1])
  }
}

/// What the header says of one tensor.
private struct TensorFields {
  let type: String
  let shape: [Int]
  let offsets: [Int]

  init?(_ json: OrderedJSON) {
    func integers(_ name: String) -> [Int]? {
      guard case .array(let values)? = json[name] else { return nil }
      let integers = values.compactMap(\.wholeValue)
      return integers.count == values.count ? integers : nil
    }
    guard let type = json["dtype"]?.stringValue, let shape = integers("shape"),
      let offsets = integers("data_offsets")
    else { return nil }
    self.type = type
    self.shape = shape
    self.offsets = offsets
  }
}
