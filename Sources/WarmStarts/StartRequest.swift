package import Checkpoints
package import Configuration
package import Corpora
package import Datasets
import Engine
package import GRUCore
import Records

/// What a run is to start from in place of random numbers.
package struct StartRequest: Sendable, Equatable {
  /// A run directory, a checkpoint, or a model file that `import` reads.
  package var path: String
  /// Which of a run's checkpoints; nil takes the best where it has validated.
  package var wish: ChosenCheckpoint.Wish?
  /// Whether the vocabulary is learnt from the config's data, and not the source's.
  package var learnsVocabulary = false
  /// Whether the output layer, and what it stands for, is new although the task is the same.
  package var replacesHead = false
  /// A file with the tokens of a model file, a line each in the order of its rows; nil where the
  /// file says them, or the config's tokenizer numbers them.
  package var vocabulary: String?

  package init(path: String) { self.path = path }
}

/// The model that a config and its data ask for.
package struct ModelTarget {
  package var config: Config
  package var shape: ModelShape
  /// Nil where the model reads no text.
  package var tokenizer: Tokenizer?
  /// Nil where the data are a text, or made up.
  package var frame: TaskFrame?

  package init(config: Config, shape: ModelShape, tokenizer: Tokenizer?, frame: TaskFrame?) {
    self.config = config
    self.shape = shape
    self.tokenizer = config.taskDescription.hasTokenizer ? tokenizer : nil
    self.frame = frame
  }
}

extension LearntData {
  /// What of the two is known; nil where nothing is.
  init?(tokenizer: Tokenizer?, frame: TaskFrame?) {
    switch (tokenizer, frame) {
    case (let tokenizer?, let frame?): self = .texts(tokenizer, frame)
    case (let tokenizer?, nil): self = .tokenizer(tokenizer)
    case (nil, let frame?): self = .frame(frame)
    case (nil, nil): return nil
    }
  }

  /// The form in which rank 0 tells it to the others.
  var json: OrderedJSON {
    var members: [OrderedJSON.Member] = []
    if let tokenizer { members.append(.init("tokenizer", tokenizer.json)) }
    if let frame { members.append(.init("frame", frame.json)) }
    return .object(members)
  }

  init?(json fields: JSONFields) throws(JSONFieldError) {
    func object(_ name: String) throws(JSONFieldError) -> JSONFields? {
      fields.value(ifPresent: name) == nil ? nil : try fields.object(name)
    }
    var (tokenizer, frame): (Tokenizer?, TaskFrame?) = (nil, nil)
    if let object = try object("tokenizer") { tokenizer = try Tokenizer(json: object) }
    if let object = try object("frame") { frame = try TaskFrame(json: object) }
    self.init(tokenizer: tokenizer, frame: frame)
  }
}
