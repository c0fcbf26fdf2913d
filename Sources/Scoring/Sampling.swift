package import Checkpoints
import Collectives
import Configuration
package import Corpora
import Engine
import GRUCore
import Kernels
import Records

/// Draws text from a checkpoint's model.
package struct Sampling {
  package var path: String
  /// Which of a run's checkpoints; nil takes the best where it has validated.
  package var wish: ChosenCheckpoint.Wish?
  package var prompt = ""
  /// Tokens to draw.
  package var length = 500
  /// 0 takes the likeliest token always.
  package var temperature = 1.0
  /// Draws among that many of the likeliest tokens; nil draws among all.
  package var topK: Int?
  package var seed = 1
  package var instructionSet = "auto"

  package init(path: String) { self.path = path }

  package func validate() throws {
    if length < 1 { throw UsageError("--length: expected at least 1, found \(length)") }
    if !(temperature >= 0 && temperature.isFinite) {
      throw UsageError("--temperature: expected a number of at least 0, found \(temperature)")
    }
    if let topK, topK < 1 { throw UsageError("--top-k: expected at least 1, found \(topK)") }
    if seed < 0 { throw UsageError("--seed: expected at least 0, found \(seed)") }
  }

  /// Draws the text and gives `emit` its bytes bit by bit, the prompt first.
  ///
  /// - Returns: the model's checkpoint and the drawn tokens.
  @discardableResult
  package func run(
    emit: ([UInt8]) throws -> Void
  ) throws -> (checkpoint: ChosenCheckpoint, text: [UInt8]) {
    try validate()
    let model = try LoadedModel(path: path, wanting: wish)
    guard model.task.writesText else {
      throw UsageError(
        "\(path) is of task \"\(model.task.name)\", which writes no text")
    }
    model.refusals.forEach(Console.complain)
    let tokenizer = model.state.tokenizer
    let scorer = try model.scorer(
      kernels: try Kernels.selected(instructionSet, model.config.model.precision.kernels),
      window: 1,
      plan: ShardPlan(sequences: 1, shards: 1, ranks: 1, threads: 1), on: SoloCommunicator())
    if let complaint = unknownParts(tokenizer) { Console.complain(complaint) }
    try emit(Array(prompt.utf8) + tokenizer.separator(after: prompt))
    let text = try draw(
      from: scorer, tokenizer, after: model.startToken, source: model.checkpoint.path, emit: emit)
    return (model.choice, text)
  }

  /// Draws the text that follows the prompt, and gives `emit` its bytes bit by bit.
  ///
  /// - Parameters:
  ///   - start: the token that the text begins after where there is no prompt, or no word of one.
  ///   - source: what the model is called in an error.
  package func draw(
    from scorer: Scorer, _ tokenizer: Tokenizer, after start: Int32, source: String,
    emit: ([UInt8]) throws -> Void = { _ in }
  ) throws -> [UInt8] {
    let generator = scorer.generator()
    var pending = tokenizer.encode(prompt)
    if pending.isEmpty { pending = [start] }
    let chooser = TokenChooser(
      vocabularySize: tokenizer.vocabularySize, kernels: scorer.kernels,
      temperature: temperature, topK: topK)
    let random = Philox(seed: UInt64(seed), purpose: .sampling)
    var text: [UInt8] = []
    for index in 0..<length {
      var scores: UnsafeBufferPointer<Float>?
      for token in pending { unsafe scores = unsafe scorer.scores(after: token, by: generator) }
      guard let scores = unsafe scores else { break }
      guard unsafe scores.allSatisfy(\.isFinite) else {
        throw RunDirectoryError(
          "\(source): the model's scores are not finite; use an older checkpoint")
      }
      let word = random.block(
        step: UInt32(truncatingIfNeeded: index), stream: 0, layer: 0, element: 0)[0]
      let token = unsafe chooser.choose(scores, unit: Double(Philox.unit(word)))
      let bytes = scorer.decoder.bytes(of: token)
      text += bytes
      try emit(bytes)
      pending = [token]
    }
    return text
  }

  /// What to say of a prompt that has what the model has never read; nil where it has not.
  private func unknownParts(_ tokenizer: Tokenizer) -> String? {
    let unknown = tokenizer.unknownParts(of: prompt)
    guard let first = unknown.first else { return nil }
    let noun = tokenizer.kind == .word ? "word" : "character"
    return "--prompt: \(Format.count(unknown.count, noun)), first \"\(first)\", that the "
      + "training text lacks; the model reads such as unknown"
  }
}
