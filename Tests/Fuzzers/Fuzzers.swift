import Checkpoints
import Configuration
import Corpora
import Foundation
import NumericContract
import Records
import Scoring

/// The program: what libFuzzer's own main function does. The package manager gives every program's
/// entry the name of its target.
@_cdecl("fuzz_readers_main")
public func fuzzReaders(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  var count = count
  var arguments = arguments
  return runDriver(&count, &arguments, readOneCase)
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ readOneCase: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// What libFuzzer calls with each case: the first byte chooses the reader, the rest is its file.
///
/// The readers may refuse what they get or accept it; they must not trap, and AddressSanitizer sees
/// to it that they read nothing beyond it. `Tests/campaigns/fuzz` builds and runs this.
@_cdecl("LLVMFuzzerTestOneInput")
public func readOneCase(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: count))
  guard let choice = bytes.first else { return 0 }
  let file = Array(bytes.dropFirst())
  switch choice % 6 {
  case 0: readTensors(file)
  case 1: _ = try? Manifest(text: file, path: "manifest.json")
  case 2:
    let state = try? TrainingState(text: file, path: "state.json")
    try? state?.checkPlausible(path: "run")
  case 3: readConfig(file)
  case 5: readCheckpoint(state: file)
  default: readText(file)
  }
  return 0
}

private let path = NSTemporaryDirectory() + "/gru-dist-fuzz-\(getpid())"

private func put(_ bytes: [UInt8]) {
  guard let file = fopen(path, "w") else { return }
  fwrite(bytes, 1, bytes.count, file)
  fclose(file)
}

private func readTensors(_ bytes: [UInt8]) {
  put(bytes)
  guard let reader = try? SafetensorsReader(path: path) else { return }
  for entry in reader.header.entries {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: entry.range.count, alignment: 8)
    defer { buffer.deallocate() }
    let tensor = entry.tensor
    try? reader.read(tensor.name, type: tensor.type, shape: tensor.shape, into: buffer)
    precondition(buffer.elementsEqual(bytes[entry.range]), "\(tensor) is not as in the file")
  }
}

/// Reads a model whose `state.json` is whatever it is, behind a manifest that says so.
private func readCheckpoint(state: [UInt8]) {
  let store = CheckpointStore(directory: path + "-run/checkpoints")
  try? FileManager.default.createDirectory(
    atPath: path + "-run", withIntermediateDirectories: true)
  let files = try? [
    CheckpointFile.safetensors(Checkpoint.modelFile, []),
    CheckpointFile(name: Checkpoint.stateFile, byteCount: state.count) { try $0.append(state) },
  ]
  guard let files,
    (try? store.write(step: 1, contractVersion: .newest, files: files)) != nil
  else { return }
  _ = try? LoadedModel(path: path + "-run")
}

private func readConfig(_ bytes: [UInt8]) {
  guard let config = try? Config(json: bytes, file: "config.json") else { return }
  let again = try? Config(json: Array(config.json.line.utf8), file: "again")
  precondition(again == config, "a config does not read back as itself: \(config.json.line)")
}

private func readText(_ bytes: [UInt8]) {
  put(bytes)
  for kind in [Tokenizer.Kind.byte, .character] {
    guard let corpus = try? TokenCorpus(path: path, learning: kind) else { continue }
    let size = corpus.tokenizer.vocabularySize
    for index in 0..<corpus.count {
      precondition(corpus[index] >= 0, "token \(corpus[index])")
      precondition(corpus[index] < size, "token \(corpus[index]) of \(size)")
    }
    let mark = kind == .character && bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    precondition(corpus.byteCount(of: 0..<corpus.count) == bytes.count - mark, "bytes are lost")
  }
}
