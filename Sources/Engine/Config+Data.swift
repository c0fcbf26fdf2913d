package import Configuration
package import Corpora
package import Datasets
package import GRUCore
package import Records
import Tasks

extension Config {
  /// Opens or makes what the config names to train and validate on.
  ///
  /// - Parameters:
  ///   - frame: what a run has learnt of its data; nil learns it.
  ///   - progress: told what is read.
  package func openData(
    as frame: TaskFrame? = nil, progress: ReadingProgress? = nil
  ) throws -> TrainingData {
    if taskDescription.readsText { return .text(try openText(progress: progress)) }
    var request = sequenceRequest
    request.progress = progress
    return .sequences(try SequenceData(request, frame: frame))
  }

  /// Opens the text that the config names.
  package func openText(
    progress: ReadingProgress? = nil
  ) throws(CorpusError) -> CorpusSplit {
    let train = try TokenCorpus(path: data.train, learning: data.learning, progress: progress)
    var valid: TokenCorpus?
    if let path = data.valid {
      valid = try TokenCorpus(path: path, tokenizer: train.tokenizer, progress: progress)
    }
    return try CorpusSplit(
      train: train, valid: valid, validFraction: data.validFraction, sequences: batch.sequences,
      window: batch.window)
  }

  /// What to read or make for a task that reads no text.
  package var sequenceRequest: SequenceRequest {
    let options = data.task
    var request = SequenceRequest(
      task: taskDescription, rows: batch.sequences, window: batch.window, seed: run.seed,
      labelColumn: options.label)
    request.train = data.train
    request.valid = data.valid
    request.validFraction = data.validFraction
    request.format = options.format
    request.columns = options.columns
    request.normalizes = options.normalize
    request.sequenceColumn = options.sequence
    request.targetColumns = options.targets
    request.horizon = options.horizon
    request.stride = options.stride
    request.validSequences = options.validSequences
    return request
  }

  /// The model's shape for data that are no text.
  package func shape(for data: SequenceData) -> ModelShape {
    shape(outputs: data.outputs, features: data.features)
  }
}
