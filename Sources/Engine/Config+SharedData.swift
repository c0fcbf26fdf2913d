package import Collectives
package import Configuration
package import Corpora
package import Datasets
import Foundation
package import Records
import Tasks

/// Data that the ranks of a host read once and hold together.
extension Config {
  /// Opens or makes what the config names to train and validate on. A text is read by the first
  /// rank of each host alone: the others map the tokens that it leaves in the scratch directory, in
  /// a file that is unlinked as soon as all have it. Every rank calls it; all throw alike.
  ///
  /// - Parameters:
  ///   - learnt: what a run has learnt of its data; nil learns it.
  ///   - progress: told what is read.
  ///   - complain: hears, on the rank that finds it, that each rank of the host holds its own.
  package func openData(
    as learnt: LearntData?, on communicator: any Communicator, progress: ReadingProgress? = nil,
    complain: (String) -> Void
  ) throws -> TrainingData {
    let progress = progress ?? ReadingProgress()
    progress.allow(ContainerLimits.current.allowance(ranks: communicator.ranksOnHost))
    guard taskDescription.readsText else {
      return try communicator.agree { try openData(as: learnt, progress: progress) }
    }
    let texts = try openTexts(
      train: data.train, valid: data.valid, on: communicator, complain: complain
    ) { try readTexts(as: learnt?.tokenizer, progress: progress) }
    return .text(try communicator.agree { try split(train: texts.train, valid: texts.valid) })
  }

  /// Texts that the first rank of each host reads, and that all hold, as `openData` does. Every
  /// rank calls it; all throw alike.
  ///
  /// - Parameters:
  ///   - train: the path of the first text; `valid` that of the other, if there is one.
  ///   - read: reads both; other ranks call it where they cannot have what is lent.
  package func openTexts(
    train: String, valid: String?, on communicator: any Communicator, complain: (String) -> Void,
    read: () throws -> Texts
  ) throws -> Texts {
    let hosts = try communicator.allGather([communicator.hostNumber]).map { $0[0] }
    guard Set(hosts).count < hosts.count else { return try communicator.agree { try read() } }
    let peers = hosts.indices.filter { hosts[$0] == communicator.hostNumber }
    guard communicator.rank == peers[0] else {
      try communicator.agree {}
      let offer = try communicator.receiveText(from: peers[0])
      return try communicator.agree {
        if !offer.isEmpty {
          do { return try Texts(offered: offer, train: train, valid: valid) } catch {
            complain("\(error); this rank reads the text and holds its own tokens")
          }
        }
        return try read()
      }
    }
    var lent = LentText()
    defer { lent.removeNames() }
    let own = try communicator.agree { try read() }
    var texts = own
    do {
      let directory = run.scratchDirectory ?? NSTemporaryDirectory()
      if let shared = try own.lent(in: directory, &lent) { texts = shared }
    } catch {
      lent.removeNames()
      lent = LentText()
      let reason = (error as? SystemError)?.words ?? "\(error)"
      complain(
        "\(reason); each of the \(peers.count) ranks of \(communicator.hostName) reads the text "
          + "and holds its own tokens (run.scratch_directory names another place)")
    }
    for peer in peers.dropFirst() { try communicator.sendText(lent.line, to: peer) }
    return try communicator.agree { texts }
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
  fileprivate init(offered line: String, train path: String, valid other: String?) throws {
    let fields = try JSONFields(try OrderedJSON(parsing: Array(line.utf8)))
    let tokenizer = try Tokenizer(json: try fields.object("tokenizer"))
    train = try TokenCorpus(json: try fields.object("train"), path: path, tokenizer: tokenizer)
    if let other {
      valid = try TokenCorpus(json: try fields.object("valid"), path: other, tokenizer: tokenizer)
    }
  }

  /// The texts with their tokens in files of a directory; nil where one is such a file.
  fileprivate func lent(in directory: String, _ lent: inout LentText) throws -> Texts? {
    guard let shared = try train.shared(in: directory) else { return nil }
    lent.tokenizer = train.tokenizer
    lent.train = shared.offer
    var texts = Texts(train: shared.corpus)
    if let valid {
      guard let other = try valid.shared(in: directory) else { return nil }
      lent.valid = other.offer
      texts.valid = other.corpus
    }
    lent.isWhole = true
    return texts
  }
}

/// What the first rank of a host lends to the others.
private struct LentText {
  var tokenizer: Tokenizer?
  var train: TokenCorpus.Offer?
  var valid: TokenCorpus.Offer?
  /// Whether nothing is missing.
  var isWhole = false

  /// The form in which it is told; empty where there is nothing to lend.
  var line: String {
    guard isWhole, let tokenizer, let train else { return "" }
    var members: [OrderedJSON.Member] = [
      .init("tokenizer", tokenizer.json), .init("train", train.json),
    ]
    if let valid { members.append(.init("valid", valid.json)) }
    return OrderedJSON.object(members).line
  }

  func removeNames() {
    train?.removeName()
    valid?.removeName()
  }
}

extension Communicator {
  /// Sends a text to one rank, which calls `receiveText`.
  fileprivate func sendText(_ text: String, to peer: Int) throws {
    let bytes = Array(text.utf8)
    try unsafe withUnsafeBytes(of: Int64(bytes.count)) { try unsafe send($0, to: peer) }
    if !bytes.isEmpty { try unsafe bytes.withUnsafeBytes { try unsafe send($0, to: peer) } }
  }

  fileprivate func receiveText(from peer: Int) throws -> String {
    var count = Int64(0)
    try unsafe withUnsafeMutableBytes(of: &count) { try unsafe receive($0, from: peer) }
    var bytes = [UInt8](repeating: 0, count: Int(count))
    if count > 0 {
      try unsafe bytes.withUnsafeMutableBytes { try unsafe receive($0, from: peer) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
