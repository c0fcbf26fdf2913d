import Checkpoints
import Foundation
import NumericContract
import Testing

/// Files exchanged with the reference implementation, where Python has it.
@Suite struct PythonTests {
  /// Whether `python3` runs here and has numpy and safetensors.
  static let available = (try? run("import numpy, safetensors.numpy")) != nil

  struct Failure: Error { let output: String }

  @discardableResult
  static func run(_ script: String, _ arguments: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    if process.terminationStatus != 0 { throw Failure(output: output) }
    return output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  @Test(.enabled(if: available, "python3 with numpy and safetensors"))
  func pythonReadsOurFiles() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/model.safetensors"
      let tensors = TestTensors(SafetensorsTests.shapes)
      try tensors.write(to: path, metadata: ["format": "pt"])
      let script = """
        import sys, hashlib
        from safetensors import safe_open
        with safe_open(sys.argv[1], framework="np") as file:
            assert file.metadata() == {"format": "pt"}, file.metadata()
            for name in sorted(file.keys()):
                tensor = file.get_tensor(name)
                digest = hashlib.sha256(tensor.tobytes()).hexdigest()
                print(name, tensor.dtype, list(tensor.shape), digest)
        """
      let lines = try Self.run(script, path).split(separator: "\n").map(String.init)
      let expected = zip(SafetensorsTests.shapes, tensors.values).map { shape, values in
        let bytes = values.withUnsafeBytes { Array($0) }
        return "\(shape.0) float32 \(shape.1) \(SHA256.hash(of: bytes))"
      }
      #expect(Set(lines) == Set(expected))
    }
  }

  @Test(.enabled(if: available, "python3 with numpy and safetensors"))
  func readsFilesWrittenByPython() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/foreign.safetensors"
      let script = """
        import sys, numpy
        from safetensors.numpy import save_file
        save_file({"weight": numpy.arange(6, dtype="f4").reshape(2, 3) / 4,
                   "count": numpy.array([7], dtype="i8")}, sys.argv[1], {"by": "numpy"})
        """
      try Self.run(script, path)
      let reader = try SafetensorsReader(path: path)
      #expect(reader.header.metadata == ["by": "numpy"])
      #expect(try reader.floats("weight", shape: [2, 3]) == [0, 0.25, 0.5, 0.75, 1, 1.25])
      var count: Int64 = 0
      try withUnsafeMutableBytes(of: &count) {
        try reader.read("count", type: .int64, shape: [1], into: $0)
      }
      #expect(count == 7)
    }
  }
}
