import ArgumentParser
import Runs
import WarmStarts

/// What a new run starts from in place of random numbers.
struct StartOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Start from the weights of a run, a checkpoint or a model file.",
      discussion: """
        Weights and what the model has learnt of its data (tokenizer; of the same task classes, \
        columns and scales) are taken over, optimiser, schedule and steps are new. Another task \
        gets an output layer of its own. A model file is one that import reads. With --resume, it \
        is read only where there is nothing yet to go on from. docs/fine-tuning.md
        """, valueName: "run|checkpoint|file"),
    completion: .file())
  var from: String?

  @OptionGroup var checkpoint: CheckpointOptions

  @Flag(
    help: "With --from: learn the vocabulary from the data; rows of tokens that both have are kept."
  )
  var newVocabulary = false

  @Flag(help: "With --from: begin with a new output layer, with classes or outputs of the data.")
  var newHead = false

  @Option(
    help: "With --from FILE: the tokens of the model, a line each in the order of their rows.",
    completion: .file())
  var vocabulary: String?

  func validate() throws {
    guard from == nil else { return }
    let needy = [
      (checkpoint.best, "--best"), (checkpoint.newest, "--newest"),
      (newVocabulary, "--new-vocabulary"), (newHead, "--new-head"),
      (vocabulary != nil, "--vocabulary"),
    ]
    if let option = needy.first(where: \.0)?.1 {
      throw ValidationError("\(option) is for --from, which names what to start from")
    }
  }

  /// The same for a command that this one starts.
  var arguments: [String] {
    guard let from else { return [] }
    let flags = [
      (checkpoint.best, "--best"), (checkpoint.newest, "--newest"),
      (newVocabulary, "--new-vocabulary"), (newHead, "--new-head"),
    ]
    return ["--from", from] + flags.filter(\.0).map(\.1)
      + (vocabulary.map { ["--vocabulary", $0] } ?? [])
  }

  /// Nil for random numbers.
  var request: StartRequest? {
    guard let from else { return nil }
    var request = StartRequest(path: from)
    request.wish = checkpoint.wish
    request.learnsVocabulary = newVocabulary
    request.replacesHead = newHead
    request.vocabulary = vocabulary
    return request
  }
}
