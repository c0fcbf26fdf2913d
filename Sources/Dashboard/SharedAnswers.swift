import Synchronization
import WebServer

/// Answers that all get who asked for the same before the answer was begun: many who ask at once
/// cost as much as one, and nobody gets what was known before they asked. An answer that is the
/// same as the one before shares its bytes, however many clients have yet to take them.
final class SharedAnswers: Sendable {
  private struct Answer {
    var key: [String]
    var begun: ContinuousClock.Instant
    var response: HTTPResponse

    func hasBytes(of other: HTTPResponse) -> Bool {
      guard case .bytes(let mine) = response.body, case .bytes(let others) = other.body else {
        return false
      }
      return mine == others && response.status == other.status
    }
  }

  /// Answers that are kept.
  private static let most = 8

  private let answers = Mutex<[Answer]>([])

  /// - Parameter names: what of the query makes a difference.
  func answer(
    to request: HTTPRequest, by names: [String], _ make: () -> HTTPResponse
  ) -> HTTPResponse {
    // A name that is missing differs from an empty one.
    let values = names.map { name in request.value(name).map { "=\($0)" } ?? "" }
    let key = [request.path, request.takesGzip ? "gzip" : ""] + values
    let known = answers.withLock { answers in
      answers.first { $0.key == key && $0.begun >= request.received }
    }
    if let known { return known.response }
    let begun = ContinuousClock.now
    let response = make()
    return answers.withLock { answers in
      var answer = Answer(key: key, begun: begun, response: response)
      if let index = answers.firstIndex(where: { $0.key == key }) {
        let before = answers.remove(at: index)
        if before.hasBytes(of: response) { answer.response = before.response }
      }
      answers.append(answer)
      if answers.count > Self.most { answers.removeFirst() }
      return answer.response
    }
  }
}
