import Batches
package import Collectives
package import Configuration
package import Corpora
package import Datasets
package import Records
import Tasks
import TextSequences

/// Data that the ranks of a host read once and hold together.
extension Config {
  /// Opens or makes what the config names to train and validate on. The first rank of each host
  /// reads files, and the others map what it leaves in unlinked files of the scratch directory.
  /// Every rank calls it; all throw alike.
  ///
  /// - Parameters:
  ///   - learnt: what a run has learnt of its data; nil learns it.
  ///   - countsUnknownClasses: as of `SequenceRequest`, of classes that `learnt` lacks.
  ///   - progress: told what is read.
  ///   - complain: hears, on the rank that finds it, that each rank of the host holds its own.
  package func openData(
    as learnt: LearntData?, countsUnknownClasses: Bool = false, on communicator: any Communicator,
    progress: ReadingProgress? = nil, complain: (String) -> Void
  ) throws -> TrainingData {
    let progress = progress ?? ReadingProgress()
    progress.allow(ContainerLimits.current.allowance(ranks: communicator.ranksOnHost))
    guard taskDescription.readsText else {
      var request = sequenceRequest
      (request.countsUnknownClasses, request.progress) = (countsUnknownClasses, progress)
      return .sequences(
        try openSequences(
          request, frame: learnt?.frame, tokenizer: learnt?.tokenizer, on: communicator,
          complain: complain))
    }
    let texts = try openTexts(
      train: data.train, valid: data.valid, on: communicator, complain: complain
    ) { try readTexts(as: learnt?.tokenizer, progress: progress) }
    return .text(try communicator.agree { try split(train: texts.train, valid: texts.valid) })
  }

  /// Sequences that the first rank of each host reads, and that all hold, as `openData` does.
  /// Every rank calls it; all throw alike.
  ///
  /// - Parameters:
  ///   - frame: of a checkpoint; nil learns it from the training data.
  ///   - tokenizer: the same.
  package func openSequences(
    _ request: SequenceRequest, frame: TaskFrame?, tokenizer: Tokenizer?,
    on communicator: any Communicator, complain: (String) -> Void
  ) throws -> SequenceData {
    func read() throws -> SequenceData {
      try SequenceData(opening: request, frame: frame, tokenizer: tokenizer)
    }
    if request.task.generated != nil { return try communicator.agree { try read() } }
    return try communicator.readOncePerHost(
      ("the data", "numbers"), in: run.scratchDirectory, complain: complain, read: read,
      lend: { data, directory in
        let archive = try HostArchive(data, in: directory)
        do {
          return HostLoan(
            value: try archive.value(SequenceData.self), offer: archive.json,
            removeNames: archive.removeName)
        } catch {
          archive.removeName()
          throw error
        }
      },
      borrow: { try HostArchive(json: $0).value(SequenceData.self) })
  }

  /// Texts that the first rank of a host reads and all hold. Every rank calls it; all throw alike.
  ///
  /// - Parameters:
  ///   - train: the path of the first text; `valid` that of the other, if there is one.
  ///   - read: reads both; other ranks call it where they cannot have what is lent.
  package func openTexts(
    train: String, valid: String?, on communicator: any Communicator, complain: (String) -> Void,
    read: () throws -> Texts
  ) throws -> Texts {
    try communicator.readOncePerHost(
      ("the text", "tokens"), in: run.scratchDirectory, complain: complain, read: read,
      lend: { try $0.lent(in: $1) },
      borrow: { try Texts(offered: $0, train: train, valid: valid) })
  }
}

/// A text to train on, and one of its own to validate on.
package struct Texts {
  package var train: TokenCorpus
  package var valid: TokenCorpus?

  package init(train: TokenCorpus, valid: TokenCorpus? = nil) {
    self.train = train
    self.valid = valid
  }

  /// What another rank of the host has read.
  fileprivate init(offered fields: JSONFields, train path: String, valid other: String?) throws {
    let tokenizer = try Tokenizer(json: try fields.object("tokenizer"))
    train = try TokenCorpus(json: try fields.object("train"), path: path, tokenizer: tokenizer)
    if let other {
      valid = try TokenCorpus(json: try fields.object("valid"), path: other, tokenizer: tokenizer)
    }
  }

  /// The texts with their tokens in files of a directory; nil where one is such a file.
  fileprivate func lent(in directory: String) throws -> HostLoan<Texts>? {
    guard let (corpus, offer) = try train.shared(in: directory) else { return nil }
    var members: [OrderedJSON.Member] = [
      .init("tokenizer", train.tokenizer.json), .init("train", offer.json),
    ]
    guard let valid else {
      return HostLoan(
        value: Texts(train: corpus), offer: .object(members), removeNames: offer.removeName)
    }
    var isWhole = false
    defer { if !isWhole { offer.removeName() } }
    guard let (other, second) = try valid.shared(in: directory) else { return nil }
    isWhole = true
    members.append(.init("valid", second.json))
    return HostLoan(value: Texts(train: corpus, valid: other), offer: .object(members)) {
      offer.removeName()
      second.removeName()
    }
  }
}
