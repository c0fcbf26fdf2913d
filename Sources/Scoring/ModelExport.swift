import Cells
package import Checkpoints
package import Configuration
import Corpora
package import Datasets
import Engine
import Foundation
package import GRUCore
package import Interchange
import Kernels
import NumericContract
package import Records

/// Writes a checkpoint's model as other libraries take it.
package struct ModelExport {
  package enum FileFormat: String, CaseIterable, Sendable { case torch, keras, onnx }

  package var path: String
  /// Which of a run's checkpoints; nil takes the best where it has validated.
  package var wish: ChosenCheckpoint.Wish?
  package var format: FileFormat
  /// The file to make.
  package var output: String
  /// A file to make of the tokens, a line each in the order of their numbers; nil for none.
  package var vocabulary: String?

  package init(path: String, format: FileFormat, output: String) {
    self.path = path
    self.format = format
    self.output = output
  }

  /// - Throws: where the format cannot hold the model, or the file exists already.
  package func run(console: Console) throws {
    try requireFree(output, "--output")
    if let vocabulary {
      try requireFree(vocabulary, "--vocabulary")
      guard Self.place(of: vocabulary) != Self.place(of: output) else {
        throw UsageError(
          "--vocabulary: '\(vocabulary)' is the file of --output; name another for the tokens")
      }
    }
    let model = try LoadedModel(path: path, wanting: wish)
    model.refusals.forEach(Console.complain)
    if vocabulary != nil, !model.task.hasTokenizer {
      throw UsageError(
        "--vocabulary: the model's task \"\(model.task.name)\" reads no text; leave it out")
    }
    do {
      try write(model)
    } catch let error as InterchangeError {
      throw UsageError("\(model.checkpoint.path): \(error)")
    }
    console.say("\(model.checkpoint.path) -> \(output) (\(format.rawValue))")
    if let vocabulary {
      try write(VocabularyFile.lines(of: model.tokenizer), to: vocabulary)
      let count = Format.grouped(model.tokenizer.vocabularySize)
      console.say("vocabulary: \(count) tokens -> \(vocabulary), a line each")
    }
    if let words = model.choice.words { console.say("taken: \(words)") }
    let record: OrderedJSON = [
      "kind": "export", "checkpoint": .string(model.checkpoint.path), "output": .string(output),
      "format": .string(format.rawValue), "model": model.shape.json,
      "fingerprint": .string(model.state.fingerprint), "step": .integer(model.state.step),
    ]
    console.record(record.merging(model.choice.json))
  }

  /// Where a file that is not there yet would be, however it is named.
  private static func place(of file: String) -> String {
    let url = URL(fileURLWithPath: file)
    return url.deletingLastPathComponent().resolvingSymlinksInPath().path + "/"
      + url.lastPathComponent
  }

  private func requireFree(_ file: String, _ option: String) throws(UsageError) {
    guard FileStatus(file, followsLink: false) == nil else {
      throw UsageError("\(option): '\(file)' exists already; remove it or name another file")
    }
    try FileStatus.requireDirectory(of: file, option: option)
  }

  private func write(_ bytes: [UInt8], to file: String) throws {
    do {
      try FileDraft.write(bytes, to: file, replaces: false)
    } catch {
      throw RunDirectoryError("\(file): cannot write: \(SystemError.reason(error.code))")
    }
  }

  private func write(_ model: LoadedModel) throws {
    var tensors = try ModelTensors(model)
    tensors.biasPairs = try ImportedBiases.read(besideCheckpoint: model.checkpoint.path)
    let metadata = try self.metadata(of: model)
    switch format {
    case .torch:
      try NamedTensor.write(
        TorchLayout.tensors(of: tensors), metadata: metadata.merging(["format": "pt"]) { $1 },
        to: output)
    case .keras:
      try NamedTensor.write(
        KerasLayout.tensors(of: tensors), metadata: metadata, to: output)
    case .onnx:
      let bytes = try ONNXModel.encoded(
        tensors, task: model.task, metadata: metadata.sorted { $0.key < $1.key },
        producerVersion: programVersion)
      try write(bytes, to: output)
    }
  }

  /// What a reader needs to know besides the tensors.
  private func metadata(of model: LoadedModel) throws -> [String: String] {
    var metadata = [
      "cell": model.shape.cell.rawValue, "step": "\(model.state.step)",
      "fingerprint": model.state.fingerprint, "program": "gru-dist \(programVersion)",
    ]
    func add(_ name: String, _ value: OrderedJSON) throws {
      metadata[name] = try value.sortedLine()
    }
    func add(_ name: String, _ words: [String]) throws {
      try add(name, .array(words.map { .string($0) }))
    }
    let config = model.config
    if model.task.hasTokenizer { try add("tokenizer", model.state.tokenizer.json) }
    if model.task.readsText { return metadata }
    metadata["task"] = model.task.name
    metadata["readout"] = config.output.readout.rawValue
    metadata["window"] = "\(config.batch.window)"
    if model.task.outputs == .values { metadata["loss"] = config.output.loss.rawValue }
    if config.output.loss == .quantile {
      try add("quantiles", .array(config.output.quantiles.map { .number($0) }))
    }
    guard let frame = model.frame else { return metadata }
    if !frame.columns.isEmpty { try add("columns", frame.columns) }
    if let classes = frame.classes { try add("classes", classes) }
    if !model.task.quantiles.isEmpty {
      try add("quantiles", .array(model.task.quantiles.map { .number($0) }))
    }
    if let predicted = frame.predicted { try add("targets", predicted.names) }
    if let targets = frame.targets {
      try add("targets", targets)
      metadata["horizon"] = "\(config.data.task.horizon)"
    }
    return metadata
  }
}

extension ModelTensors {
  /// The tensors of a checkpoint's model.
  package init(_ model: LoadedModel) throws {
    let table = ParameterTable(shape: model.shape)
    let parameters = AlignedBuffer(count: table.elementCount)
    unsafe try model.readParameters(into: parameters.pointer)
    unsafe try self.init(shape: model.shape, table: table, arena: parameters.pointer)
    if let frame = model.frame {
      scales = try frame.scales(
        of: model.shape, config: model.config, path: model.checkpoint.path)
    }
  }
}

extension TaskFrame {
  /// Throws where what goes in is more than the columns of the data, of which an export would not
  /// know.
  private func requireExportable(by config: Config, path: String) throws {
    let loss = config.output.loss
    let others = [
      ("data.missing \"mask\"", masked != nil), ("data.known", known != nil),
      ("data.calendar", calendar != nil), ("data.categories", categories != nil),
      ("data.scale \"series\"", series != nil),
      ("data.series \"columns\"", form == .columns),
      ("data.relative", config.data.task.relative != .none),
      ("output.loss \"\(loss.rawValue)\"", loss == .gaussian || loss == .studentT),
    ]
    guard let other = others.first(where: \.1) else { return }
    throw DataFileError(
      path: path, place: nil,
      problem: "\(other.0) makes of the data what a model of another library does not",
      hint: "use the model with gru-dist, or train it without")
  }

  /// How the data's numbers go into a model of `shape`.
  package func scales(
    of shape: ModelShape, config: Config, path: String
  ) throws -> DataScales {
    try requireExportable(by: config, path: path)
    var scales = DataScales()
    scales.keepsDoubles = config.contract >= .two
    if let means, let deviations {
      guard means.count == columns.count, deviations.count == columns.count,
        columns.count == shape.valueSize
      else {
        throw DataFileError(
          path: path, place: nil,
          problem: "\(means.count) means and \(deviations.count) deviations of "
            + "\(columns.count) columns, and the model reads \(shape.valueSize)")
      }
      scales.inputs = DataScales.Columns(means: means, deviations: deviations)
    }
    if let predicted {
      // Of every output, where a number has several.
      let parts = shape.task.outputsPerTarget
      func repeated(_ values: [Double]) -> [Double] { (0..<parts).flatMap { _ in values } }
      if predicted.isScaled {
        scales.predicted = DataScales.Columns(
          means: repeated(predicted.means), deviations: repeated(predicted.deviations))
      }
    }
    if targets != nil {
      let places = try targetPlaces(path: path)
      guard !places.isEmpty, shape.vocabularySize.isMultiple(of: places.count) else {
        throw DataFileError(
          path: path, place: nil,
          problem: "\(places.count) columns to forecast, and the model has "
            + "\(shape.vocabularySize) outputs")
      }
      scales.forecast = places
    }
    return scales
  }
}
