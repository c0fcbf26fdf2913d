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
  /// Draws among the fewest of the likeliest tokens that have this probability together.
  package var topP: Double?
  /// Texts to draw, each with random numbers of its own.
  package var count = 1
  /// Texts that end what is drawn, and are no part of it.
  package var stops: [String] = []
  /// Whether the token that stands for what is unknown is never drawn.
  package var leavesUnknownOut = false
  package var seed = 1
  package var instructionSet = "auto"

  package init(path: String) { self.path = path }

  package func validate() throws {
    if length < 1 { throw UsageError("--length: expected at least 1, found \(length)") }
    if !(temperature >= 0 && temperature.isFinite) {
      throw UsageError("--temperature: expected a number of at least 0, found \(temperature)")
    }
    if let topK, topK < 1 { throw UsageError("--top-k: expected at least 1, found \(topK)") }
    if let topP, !(topP > 0 && topP <= 1) {
      throw UsageError("--top-p: expected a number above 0, at most 1, found \(topP)")
    }
    if !(1...Self.mostTexts ~= count) {
      throw UsageError("--count: expected 1 to \(Self.mostTexts), found \(count)")
    }
    if stops.contains("") { throw UsageError("--stop: expected a text, found an empty one") }
    if seed < 0 { throw UsageError("--seed: expected at least 0, found \(seed)") }
  }

  private static let mostTexts = 1_000_000

  /// A text that was drawn.
  package struct Drawn: Sendable {
    /// Its number, from 0.
    package var index = 0
    /// Without the prompt, and without what ended it.
    package var text: [UInt8] = []
    /// Tokens that were drawn, those of what ended it too.
    package var tokens = 0
    /// Which of the texts to stop at ended it; nil where it has the whole length.
    package var stop: String?
  }

  /// Draws the texts and gives `emit` the bytes of each bit by bit, the prompt first.
  ///
  /// - Parameters:
  ///   - begin: is called before each text, with its number.
  ///   - finish: is called after each text.
  /// - Returns: the model's checkpoint.
  @discardableResult
  package func run(
    begin: (Int) throws -> Void = { _ in }, emit: ([UInt8]) throws -> Void,
    finish: (ChosenCheckpoint, Drawn) throws -> Void
  ) throws -> ChosenCheckpoint {
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
    if leavesUnknownOut, tokenizer.unknown == nil {
      Console.complain(
        "--no-unknown changes nothing: the model's tokens are of kind "
          + "\(tokenizer.kind.rawValue), none of which is unknown")
    }
    for index in 0..<count {
      try begin(index)
      try emit(Array(prompt.utf8) + tokenizer.separator(after: prompt))
      let drawn = try draw(
        from: scorer, tokenizer, after: model.startToken, source: model.checkpoint.path,
        index: index, emit: emit)
      try finish(model.choice, drawn)
    }
    return model.choice
  }

  /// Draws a text that follows the prompt, and gives `emit` its bytes bit by bit.
  ///
  /// - Parameters:
  ///   - start: the token that the text begins after where there is no prompt, or no word of one.
  ///   - source: what the model is called in an error.
  ///   - index: another number draws another text.
  package func draw(
    from scorer: Scorer, _ tokenizer: Tokenizer, after start: Int32, source: String,
    index: Int = 0, emit: ([UInt8]) throws -> Void = { _ in }
  ) throws -> Drawn {
    let generator = scorer.generator()
    var pending = tokenizer.encode(prompt)
    if pending.isEmpty { pending = [start] }
    let chooser = TokenChooser(
      vocabularySize: tokenizer.vocabularySize, kernels: scorer.kernels,
      temperature: temperature, topK: topK, topP: topP,
      excluded: leavesUnknownOut ? tokenizer.unknown : nil)
    let random = Philox(seed: UInt64(seed), purpose: .sampling)
    var text = StoppedText(stops: stops)
    var drawn = Drawn(index: index)
    while drawn.tokens < length, text.stop == nil {
      var scores: UnsafeBufferPointer<Float>?
      for token in pending { unsafe scores = unsafe scorer.scores(after: token, by: generator) }
      guard let scores = unsafe scores else { break }
      guard unsafe scores.allSatisfy(\.isFinite) else {
        throw RunDirectoryError(
          "\(source): the model's scores are not finite; use an older checkpoint")
      }
      let word = random.block(
        step: UInt32(truncatingIfNeeded: drawn.tokens),
        stream: UInt32(truncatingIfNeeded: index), layer: 0, element: 0)[0]
      let token = unsafe chooser.choose(scores, unit: Double(Philox.unit(word)))
      try emit(text.append(scorer.decoder.bytes(of: token)))
      drawn.tokens += 1
      pending = [token]
    }
    try emit(text.finish())
    drawn.text = text.bytes
    drawn.stop = text.stop
    return drawn
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
