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
import WarmStarts

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
  /// A file with the tokens of the model, a line each in the order of their numbers; nil where the
  /// config's tokenizer numbers them.
  package var vocabulary: String?

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
      if let words = ForeignFile(file)?.words(path: file) { throw UsageError(words) }
      throw UsageError("\(error); expected a safetensors file")
    } catch let error as InterchangeError {
      throw UsageError("\(error)")
    }
    var knowledge = ImportedKnowledge(metadata: metadata, tensors: foreign, path: file)
    var options = options
    let config = try Config(file: options.configFile, overrides: options.overrides)
    if takesOver { options.learnt = try knowledge.learnt(for: config) }
    let tokens = try VocabularyFile(vocabulary, for: config)
    // The file's own word is left aside, which is said.
    var contradiction: String?
    if let tokens {
      contradiction = knowledge.tokenizer?.difference(
        own: "'\(file)'", from: tokens.tokenizer, of: "--vocabulary")
      knowledge.tokenizer = tokens.tokenizer
      options.learnt = .tokenizer(tokens.tokenizer)
    }
    let setup = try TrainingSetup(options, on: SoloCommunicator())
    try knowledge.requireSettings(of: config)
    try knowledge.requireSame(as: setup.target)
    let model = try model(foreign, setup, tokens)
    let assumptions =
      knowledge.assumptions(for: setup.target) + (tokens?.assumptions ?? [])
      + (contradiction.map { ["--vocabulary, although \($0)"] } ?? [])
      + (knowledge.isOurs ? [] : model.assumptions)
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
    _ foreign: [NamedTensor], _ setup: TrainingSetup, _ tokens: VocabularyFile?
  ) throws(UsageError) -> ModelTensors {
    do {
      let unknown =
        setup.config.taskDescription.hasTokenizer && tokens == nil
        ? setup.tokenizer.unknown.map { Int($0) } : nil
      try ModelTensors.requireOneOutputMatrix(setup.shape)
      var shape = setup.shape
      if let tokens {
        if shape.task.predictsInputTokens {
          shape.vocabularySize = tokens.lineCount
        } else {
          shape.task.inputVocabularySize = tokens.lineCount
        }
      }
      var model =
        switch format {
        case .torch:
          try TorchLayout.model(
            from: foreign, shape: shape, scales: try setup.scales(), unknown: unknown, path: file)
        case .keras:
          try KerasLayout.model(from: foreign, shape: shape, unknown: unknown, path: file)
        }
      if let tokens { model = model.withTokens(tokens.rows, shape: setup.shape) }
      try model.requirePlaces(path: file)
      return model
    } catch {
      throw UsageError("\(error)")
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
