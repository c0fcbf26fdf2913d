import Checkpoints
import Foundation

/// Runs `body` with the path of a fresh directory that is removed afterwards.
func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = NSTemporaryDirectory() + "/checkpoints-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// The content of a file.
func contents(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: path)))
}

/// Replaces a file's content.
func overwrite(_ path: String, _ bytes: [UInt8]) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}

/// A small seeded generator, so that every run tests the same cases.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

extension [UInt8] {
  /// This text with one random accident: bits flipped, a run overwritten, cut, doubled or removed,
  /// or bytes added. May happen to change nothing.
  func mutated(using generator: inout SeededGenerator) -> [UInt8] {
    var bytes = self
    func place() -> Int { Int.random(in: 0..<Swift.max(1, count), using: &generator) }
    func run() -> Range<Int> {
      let start = Swift.min(place(), count)
      let length = Int.random(in: 0...Swift.min(16, count - start), using: &generator)
      return start..<start + length
    }
    switch Int.random(in: 0..<9, using: &generator) {
    case 0 where !isEmpty: bytes[place()] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 1 where !isEmpty: bytes[place()] = UInt8.random(in: 0...255, using: &generator)
    // A digit instead of a byte reaches the numbers of JSON.
    case 2 where !isEmpty: bytes[place()] = UInt8.random(in: 48...57, using: &generator)
    case 3: bytes.removeLast(Int.random(in: 0...count, using: &generator))
    case 4: bytes.append(contentsOf: self[run()])
    case 5: bytes.removeSubrange(run())
    case 6: bytes.insert(contentsOf: self[run()], at: Swift.min(place(), count))
    case 7: for index in run() { bytes[index] = 0 }
    default:
      let noise = (0..<Int.random(in: 1...9, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      bytes.insert(contentsOf: noise, at: Swift.min(place(), count))
    }
    return bytes
  }
}

/// Tensors in memory that outlive the files written from them.
final class TestTensors {
  private let sources: [TensorSource]
  let values: [[Float]]
  private let buffers: [UnsafeMutableBufferPointer<Float>]

  init(_ shapes: [(String, [Int])], seed: UInt64 = 1) {
    var generator = SeededGenerator(seed: seed)
    var sources: [TensorSource] = []
    var values: [[Float]] = []
    var buffers: [UnsafeMutableBufferPointer<Float>] = []
    for (name, shape) in shapes {
      let tensor = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &generator) }
      let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(1, tensor.count))
      _ = buffer.initialize(from: tensor)
      values.append(tensor)
      buffers.append(buffer)
      if let start = buffer.baseAddress {
        sources.append(TensorSource(name: name, shape: shape, floats: start))
      }
    }
    self.sources = sources
    self.values = values
    self.buffers = buffers
  }

  deinit { for buffer in buffers { buffer.deallocate() } }

  /// Calls `body` with the tensors while their memory is sure to last.
  func withSources<Result>(_ body: ([TensorSource]) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) { try body(sources) }
  }

  /// Writes a file of the tensors.
  func write(to path: String, metadata: [String: String] = [:]) throws {
    try withSources { try SafetensorsWriter.write($0, metadata: metadata, to: path) }
  }
}

extension SafetensorsReader {
  /// A float tensor's values.
  func floats(_ name: String, shape: [Int]) throws -> [Float] {
    var values = [Float](repeating: .nan, count: shape.reduce(1, *))
    try values.withUnsafeMutableBytes { try read(name, shape: shape, into: $0) }
    return values
  }
}
