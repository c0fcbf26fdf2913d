import Checkpoints
import Foundation
import Records
import Testing

@Suite struct SafetensorsTests {
  static let shapes: [(String, [Int])] = [
    ("embedding.weight", [7, 5]), ("layers.0.bias", [9]), ("scalar", []), ("empty", [0, 3]),
    ("naïve \"name\"/\u{1F9E0}", [2, 1, 3]),
  ]

  @Test func tensorsAndMetadataReadBackAsWritten() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/model.safetensors"
      let tensors = TestTensors(Self.shapes)
      let metadata = ["format": "pt", "note": "a \"quoted\" line\n"]
      try tensors.write(to: path, metadata: metadata)
      let reader = try SafetensorsReader(path: path)
      #expect(reader.header.metadata == metadata)
      #expect(reader.header.dataOffset % 64 == 0)
      #expect(Set(reader.header.entries.map(\.tensor.name)) == Set(Self.shapes.map(\.0)))
      for (index, (name, shape)) in Self.shapes.enumerated() {
        #expect(try reader.floats(name, shape: shape) == tensors.values[index])
      }
    }
  }

  @Test func theSameTensorsGiveTheSameBytes() throws {
    try withTemporaryDirectory { directory in
      for name in ["a", "b"] {
        try TestTensors(Self.shapes).write(
          to: directory + "/" + name, metadata: ["x": "1", "y": "2"])
      }
      #expect(try contents(directory + "/a") == contents(directory + "/b"))
    }
  }

  @Test func fileWithoutTensorsIsValid() throws {
    try withTemporaryDirectory { directory in
      try SafetensorsWriter.write([], to: directory + "/none")
      #expect(try SafetensorsReader(path: directory + "/none").header.entries.isEmpty)
    }
  }

  @Test func existingFilesAreNotOverwritten() throws {
    try withTemporaryDirectory { directory in
      try overwrite(directory + "/kept", [1])
      #expect(throws: CheckpointError.self) {
        try SafetensorsWriter.write([], to: directory + "/kept")
      }
      #expect(try contents(directory + "/kept") == [1])
    }
  }

  @Test func shapeMismatchNamesBothShapes() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/model.safetensors"
      try TestTensors(Self.shapes).write(to: path)
      func wrong(_ tensor: String, _ expected: String, _ found: String) -> CheckpointError {
        .wrongTensor(path: path, tensor: tensor, expected: expected, found: found)
      }
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 36, alignment: 8)
      defer { bytes.deallocate() }
      #expect(throws: wrong("layers.0.bias", "F32 [3, 3]", "F32 [9]")) {
        try SafetensorsReader(path: path).read("layers.0.bias", shape: [3, 3], into: bytes)
      }
      #expect(throws: wrong("layers.0.bias", "I32 [9]", "F32 [9]")) {
        try SafetensorsReader(path: path)
          .read("layers.0.bias", type: .int32, shape: [9], into: bytes)
      }
      #expect(throws: wrong("output.bias", "F32 [9]", "none of that name")) {
        try SafetensorsReader(path: path).read("output.bias", shape: [9], into: bytes)
      }
    }
  }

  /// A file of this header and so many bytes of data.
  private func file(_ header: String, data: Int) -> [UInt8] {
    let json = Array(header.utf8)
    return (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json
      + [UInt8](repeating: 0, count: data)
  }

  private func accepts(_ bytes: [UInt8], at path: String) throws -> Bool {
    try overwrite(path, bytes)
    do throws(CheckpointError) {
      _ = try SafetensorsReader(path: path)
      return true
    } catch {
      guard case .damaged(path: path, reason: let reason) = error else { throw error }
      #expect(!reason.isEmpty)
      return false
    }
  }

  @Test func acceptsValidFilesOfOtherWriters() throws {
    try withTemporaryDirectory { directory in
      for (header, data) in [
        ("{}", 0),
        (#"{"__metadata__":{}}"#, 0),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   "#, 8),
        (
          #"{"b":{"dtype":"U8","shape":[3],"data_offsets":[2,5]},"#
            + #""a":{"data_offsets":[0,2],"dtype":"BF16","shape":[]}}"#, 5
        ),
        (#"{"a":{"dtype":"F64","shape":[0,9223372036854775807],"data_offsets":[0,0]}}"#, 0),
      ] {
        let accepted = try accepts(file(header, data: data), at: directory + "/file")
        #expect(accepted, "\(header)")
      }
    }
  }

  @Test(arguments: [
    ("", 0), ("{", 0), ("[]", 0), ("null", 0), (" {}", 0), ("{}", 1), ("{} x", 0), ("{}\u{0}", 0),
    (#"{"a":1}"#, 0), (#"{"a":{}}"#, 0), (#"{"__metadata__":{"x":1}}"#, 0),
    (#"{"__metadata__":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#, 0),
    (#"{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}"#, 8),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 9),
    (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8),
    (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8),
    (#"{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}"#, 8),
    (#"{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}"#, 8),
    (#"{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}"#, 8),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#, 8),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, 12),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, 8),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}"#, 8),
    (#"{"a":{"dtype":"U8","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0),
    (#"{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#, 0),
    (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#, 8),
    (#"{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,8]}}"#, 8),
    (
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[9223372036854775805,"#
        + #"9223372036854775807]}}"#, 8
    ),
    (
      #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"#
        + #""b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#, 6
    ),
    (
      #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"#
        + #""b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}}"#, 9
    ),
    (
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"#
        + #""a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#, 4
    ),
  ])
  func rejectsMalformedFiles(header: String, data: Int) throws {
    try withTemporaryDirectory { directory in
      let accepted = try accepts(file(header, data: data), at: directory + "/file")
      #expect(!accepted)
    }
  }

  @Test func rejectsDeepNesting() throws {
    try withTemporaryDirectory { directory in
      let header = #"{"a":"# + String(repeating: "[", count: 200_000)
      let accepted = try accepts(file(header, data: 0), at: directory + "/file")
      #expect(!accepted)
    }
  }

  @Test func rejectsImpossibleHeaderLengths() throws {
    try withTemporaryDirectory { directory in
      let body = Array("{}".utf8)
      for length: UInt64 in [0, 1, 3, 1 << 31, 1 << 63, .max, .max - 7] {
        let head = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
        let accepted = try accepts(head + body, at: directory + "/file")
        #expect(!accepted, "\(length)")
      }
      for count in 0..<8 {
        let accepted = try accepts([UInt8](repeating: 0, count: count), at: directory + "/file")
        #expect(!accepted)
      }
    }
  }

  @Test func alteredFilesAreRejectedOrStayWithinBounds() throws {
    var generator = SeededGenerator(seed: 11)
    try withTemporaryDirectory { directory in
      let path = directory + "/file"
      try TestTensors(Self.shapes).write(to: path, metadata: ["format": "pt"])
      let sound = try contents(path)
      let headerEnd = try SafetensorsReader(path: path).header.dataOffset
      var refused = 0
      for _ in 0..<4000 {
        // Most accidents in the header, where they matter to the reader.
        let head = Array(sound[..<headerEnd]).mutated(using: &generator)
        let bytes = head + sound[headerEnd...]
        guard try accepts(bytes, at: path) else {
          refused += 1
          continue
        }
        let reader = try SafetensorsReader(path: path)
        var end = reader.header.dataOffset
        for entry in reader.header.entries {
          #expect(entry.range.lowerBound == end)
          #expect(entry.range.count == entry.tensor.byteCount)
          end = entry.range.upperBound
          let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: entry.range.count, alignment: 8)
          defer { buffer.deallocate() }
          try reader.read(
            entry.tensor.name, type: entry.tensor.type, shape: entry.tensor.shape, into: buffer)
          #expect(buffer.elementsEqual(bytes[entry.range]))
        }
        #expect(end == bytes.count)
      }
      #expect(refused > 2500)
    }
  }

  @Test func errorsNameMissingFilesAndDirectories() throws {
    try withTemporaryDirectory { directory in
      let missing = SystemError(operation: "open", path: directory + "/none", code: ENOENT)
      #expect(throws: CheckpointError.system(missing)) {
        _ = try SafetensorsReader(path: directory + "/none")
      }
      let notFile = SystemError(operation: "read", path: directory, code: EISDIR)
      #expect(throws: CheckpointError.system(notFile)) {
        _ = try SafetensorsReader(path: directory)
      }
    }
  }
}
