import Foundation
import Records

/// What other libraries save models as, and `import` does not read.
package enum ForeignFile: CaseIterable {
  case torchArchive, torchPickle, kerasModel, kerasWeights, numpyArchive, onnx
  /// Text, and anything else that does not begin as safetensors do.
  case text, other

  /// Looks at the beginning of a file; nil where it is none of these.
  package init?(_ path: String) {
    guard FileStatus(path)?.kind == .regular, let file = FileHandle(forReadingAtPath: path),
      let head = try? file.read(upToCount: 4096).map({ [UInt8]($0) })
    else { return nil }
    func holds(_ words: String) -> Bool { head.firstRange(of: Array(words.utf8)) != nil }
    let isArchive = head.starts(with: [0x50, 0x4B, 0x03, 0x04])
    switch true {
    case isArchive && holds("data.pkl"): self = .torchArchive
    case isArchive && (holds("metadata.json") || holds("config.json")): self = .kerasModel
    case isArchive && holds(".npy"): self = .numpyArchive
    case head.starts(with: [0x80]) && head.count > 1 && 2...5 ~= head[1]: self = .torchPickle
    case head.starts(with: [0x89] + Array("HDF".utf8)): self = .kerasWeights
    case path.lowercased().hasSuffix(".onnx"): self = .onnx
    // Eight bytes of a length, and the brace of a JSON object.
    case head.count >= 9 && head[8] == UInt8(ascii: "{") && head[7] == 0: return nil
    case Self.isText(head): self = .text
    default: self = .other
    }
  }

  /// Whether bytes are text, the last character perhaps not whole.
  private static func isText(_ bytes: [UInt8]) -> Bool {
    guard !bytes.contains(0) else { return false }
    return (0...3).contains { String(validating: bytes.dropLast($0), as: UTF8.self) != nil }
  }

  /// What it is, and how to make a safetensors file of it.
  package func words(path: String) -> String {
    let name = (path as NSString).deletingPathExtension + ".safetensors"
    func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
    let files = "\(quoted(path)) \(quoted(name))"
    let torch =
      "python3 -c 'import sys, torch; from safetensors.torch import save_file; "
      + "m = torch.load(sys.argv[1], map_location=\"cpu\", weights_only=True); "
      + "m = m.get(\"state_dict\", m); "
      + "save_file({k: v.clone().contiguous() for k, v in m.items()}, sys.argv[2])' \(files)"
    let keras =
      "from safetensors.numpy import save_file; "
      + "save_file({w.path: numpy.array(w.numpy(), order=\"C\") for w in m.weights}, "
    return switch self {
    case .torchArchive, .torchPickle:
      "\(path) is what torch.save writes, and import reads safetensors; convert a state dict: "
        + torch
    case .kerasModel:
      "\(path) is a model of Keras, and import reads safetensors; convert it: "
        + "python3 -c 'import sys, keras, numpy; m = keras.models.load_model(sys.argv[1]); "
        + keras + "sys.argv[2])' \(files)"
    case .kerasWeights:
      "\(path) is an HDF5 file, as Keras keeps weights in, and import reads safetensors; where m "
        + "is the model with these weights, in Python: import numpy; \(keras)\(quoted(name)))"
    case .numpyArchive:
      "\(path) is an archive of NumPy arrays, and import reads safetensors; convert it: "
        + "python3 -c 'import sys, numpy; from safetensors.numpy import save_file; "
        + "save_file(dict(numpy.load(sys.argv[1])), sys.argv[2])' \(files)"
    case .onnx:
      "\(path) is a graph, and import reads the weights as PyTorch or Keras name them, in "
        + "safetensors; save the model's state dict by safetensors.torch.save_file"
    case .text: "'\(path)' is a text, and no file of a model; \(Self.expected)"
    case .other: "'\(path)' is no safetensors file: it does not begin as one; \(Self.expected)"
    }
  }
  /// What a file of a model is.
  private static let expected =
    "expected a safetensors file, as export, safetensors.torch.save_file and the lines for Keras "
    + "in docs/interoperability.md write it"
}
