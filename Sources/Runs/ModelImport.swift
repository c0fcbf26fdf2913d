import Cells
import Checkpoints
import Collectives
import Configuration
import Corpora
import Datasets
import Engine
import GRUCore
import Interchange
import Kernels
package import Records
import Scoring

/// Makes a run of a model that another library trained: its first checkpoint, of step 0, can be
/// evaluated, sampled from and exported, and `train --resume` goes on from it.
package struct ModelImport {
  package enum FileFormat: String, CaseIterable, Sendable { case torch, keras }

  /// A safetensors file.
  package var file: String
  package var format: FileFormat
  /// The config of the run.
  package var options: TrainOptions
  /// Takes the tokenizer, or columns and classes, that the file's metadata name, instead of what
  /// the config's data give.
  package var takesOver = false

  package init(file: String, format: FileFormat, options: TrainOptions) {
    self.file = file
    self.format = format
    self.options = options
  }

  /// - Throws: where the model is not the config's, saying what to set.
  package func run(console: Console) throws {
    let foreign: [NamedTensor]
    let metadata: [String: String]
    do {
      foreign = try NamedTensor.read(file)
      metadata = try NamedTensor.metadata(of: file)
    } catch let error as CheckpointError {
      throw UsageError("\(error); expected a safetensors file")
    }
    let knowledge = ImportedKnowledge(metadata: metadata, tensors: foreign, path: file)
    var options = options
    if takesOver {
      let config = try Config(file: options.configFile, overrides: options.overrides)
      options.learnt = try knowledge.learnt(for: config)
    }
    let setup = try TrainingSetup(options, on: SoloCommunicator())
    try knowledge.requireSame(as: setup)
    let model = try model(foreign, setup)
    let assumptions =
      knowledge.assumptions(for: setup) + (knowledge.isOurs ? [] : model.assumptions)
    let run = try TrainingRun(options, on: SoloCommunicator(), launchedByMPI: false)
    try run.adopt(model)
    let directory = setup.config.run.directory
    let table = ParameterTable(shape: setup.shape)
    console.say(
      "\(file) (\(format.rawValue)) -> \(directory): \(setup.shape.cell.words), "
        + "\(Format.grouped(table.parameterCount)) parameters; go on from it with --resume")
    for assumption in assumptions { console.say("assumed: \(assumption)") }
    console.record([
      "kind": "import", "file": .string(file), "format": .string(format.rawValue),
      "run": .string(directory), "model": setup.shape.json,
      "parameters": .integer(table.parameterCount),
      "assumptions": .array(assumptions.map { .string($0) }),
    ])
  }

  private func model(
    _ foreign: [NamedTensor], _ setup: TrainingSetup
  ) throws(UsageError) -> ModelTensors {
    do {
      let unknown =
        setup.config.taskDescription.hasTokenizer ? setup.tokenizer.unknown.map { Int($0) } : nil
      try ModelTensors.requireOneOutputMatrix(setup.shape)
      let model =
        switch format {
        case .torch:
          try TorchLayout.model(
            from: foreign, shape: setup.shape, scales: try setup.scales(), unknown: unknown,
            path: file)
        case .keras:
          try KerasLayout.model(from: foreign, shape: setup.shape, unknown: unknown, path: file)
        }
      try requirePlaces(for: model)
      return model
    } catch {
      throw UsageError("\(error)")
    }
  }

  /// Throws unless the config's model is one that `model` fills.
  private func requirePlaces(for model: ModelTensors) throws(InterchangeError) {
    let table = ParameterTable(shape: model.shape)
    if let strange = table.parameters.first(where: { model.values[$0.name] == nil }) {
      throw InterchangeError(
        "\(file): the config's model has a tensor '\(strange.name)' \(strange.shape), which no "
          + "file of another library has; only embedding, \(Cell.exchangedLayers) layers and one "
          + "linear output layer can be exchanged")
    }
    let isTied = !table.parameters.contains { $0.name == "output.weight" }
    if isTied, model["output.weight"] != model["embedding.weight"] {
      throw InterchangeError(
        "\(file): its output weight is not its embedding, and the config's model ties them; add "
          + "--set model.tie_weights=false")
    }
  }
}

extension TrainingSetup {
  /// How the data's numbers go into the model.
  fileprivate func scales() throws -> DataScales {
    guard case .sequences(let data) = data, let frame = data.frame else { return DataScales() }
    return try frame.scales(of: shape, config: config, path: config.data.train)
  }
}

extension TrainingRun {
  /// Makes `model` the state of step 0, and saves it as a checkpoint.
  func adopt(_ model: ModelTensors) throws {
    try directory.begin(afterStep: 0, config: setup.config)
    let replica = trainer.replica
    unsafe model.write(to: replica.parameters.pointer, table: replica.table)
    replica.repack()
    try ImportedBiases.write(model, toRun: directory.path)
    try saveFinally()
  }
}
