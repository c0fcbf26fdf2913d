import Checkpoints
import Foundation
package import Interchange
import Records

/// The biases of an imported model as its file had them, kept in the run directory, so that an
/// export gives them back: a model of ours has the sums only.
package enum ImportedBiases {
  package static let fileName = "imported-biases.safetensors"
  private static let input = ".input.bias"
  private static let recurrent = ".recurrent.bias"

  /// Keeps the pairs of `model` in the directory of its run.
  package static func write(_ model: ModelTensors, toRun directory: String) throws {
    let path = "\(directory)/\(fileName)"
    if FileStatus(path, followsLink: false)?.kind == .regular {
      try? FileManager.default.removeItem(atPath: path)
    }
    let tensors = model.biasPairs.sorted { $0.key < $1.key }.flatMap { prefix, pair in
      [
        NamedTensor("\(prefix)\(input)", [pair.input.count], pair.input),
        NamedTensor("\(prefix)\(recurrent)", [pair.recurrent.count], pair.recurrent),
      ]
    }
    if tensors.isEmpty { return }
    try NamedTensor.write(tensors, metadata: [:], to: path)
  }

  /// The pairs kept for the run of a checkpoint; none where it was not imported.
  static func read(besideCheckpoint path: String) throws -> [String: ModelTensors.BiasPair] {
    let run = URL(fileURLWithPath: path).deletingLastPathComponent().deletingLastPathComponent()
    let file = run.appendingPathComponent(fileName).path
    guard FileManager.default.fileExists(atPath: file) else { return [:] }
    let tensors = Dictionary(
      try NamedTensor.read(file).map { ($0.name, $0.values) }
    ) { first, _ in first }
    var pairs: [String: ModelTensors.BiasPair] = [:]
    for (name, values) in tensors where name.hasSuffix(input) {
      let prefix = String(name.dropLast(input.count))
      guard let other = tensors[prefix + recurrent] else { continue }
      pairs[prefix] = ModelTensors.BiasPair(input: values, recurrent: other)
    }
    return pairs
  }
}
