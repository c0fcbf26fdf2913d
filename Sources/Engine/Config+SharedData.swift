package import Collectives
package import Configuration
import Corpora
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
    let hosts = try communicator.allGather([communicator.hostNumber]).map { $0[0] }
    guard taskDescription.readsText, Set(hosts).count < hosts.count else {
      return try communicator.agree { try openData(as: learnt, progress: progress) }
    }
    let peers = hosts.indices.filter { hosts[$0] == communicator.hostNumber }
    guard communicator.rank == peers[0] else {
      try communicator.agree {}
      let offer = try communicator.receiveText(from: peers[0])
      return .text(
        try communicator.agree {
          if !offer.isEmpty {
            do { return try openText(offered: offer) } catch {
              complain("\(error); this rank reads the text and holds its own tokens")
            }
          }
          return try openText(as: learnt?.tokenizer, progress: progress)
        })
    }
    var lent = LentText()
    defer { lent.removeNames() }
    let read = try communicator.agree {
      try openText(as: learnt?.tokenizer, progress: progress)
    }
    let split: CorpusSplit
    do { split = try lend(read, &lent) } catch {
      split = read
      lent.removeNames()
      lent = LentText()
      let reason = (error as? SystemError)?.words ?? "\(error)"
      complain(
        "\(reason); each of the \(peers.count) ranks of \(communicator.hostName) reads the text "
          + "and holds its own tokens (run.scratch_directory names another place)")
    }
    for peer in peers.dropFirst() { try communicator.sendText(lent.line, to: peer) }
    return .text(try communicator.agree { split })
  }

  /// The text with its tokens in files of the scratch directory.
  private func lend(_ split: CorpusSplit, _ lent: inout LentText) throws -> CorpusSplit {
    let directory = run.scratchDirectory ?? NSTemporaryDirectory()
    let training = split.training.corpus
    guard let train = try training.shared(in: directory) else { return split }
    lent.tokenizer = training.tokenizer
    lent.train = train.offer
    var valid: TokenCorpus?
    if data.valid != nil, let corpus = split.validation?.corpus {
      guard let other = try corpus.shared(in: directory) else { return split }
      lent.valid = other.offer
      valid = other.corpus
    }
    lent.isWhole = true
    return try self.split(train: train.corpus, valid: valid)
  }

  /// The text that another rank of the host has read.
  private func openText(offered line: String) throws -> CorpusSplit {
    let fields = try JSONFields(try OrderedJSON(parsing: Array(line.utf8)))
    let tokenizer = try Tokenizer(json: try fields.object("tokenizer"))
    let train = try TokenCorpus(
      json: try fields.object("train"), path: data.train, tokenizer: tokenizer)
    var valid: TokenCorpus?
    if let path = data.valid {
      valid = try TokenCorpus(
        json: try fields.object("valid"), path: path, tokenizer: tokenizer)
    }
    return try split(train: train, valid: valid)
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
