import Synchronization
import WebServer

/// Answers that all get who asked for the same before the answer was begun: many who ask at once
/// cost as much as one, and nobody gets what was known before they asked.
final class SharedAnswers: Sendable {
  private struct Answer {
    var key: [String]
    var begun: ContinuousClock.Instant
    var response: HTTPResponse
  }

  /// Answers that are kept.
  private static let most = 8

  private let answers = Mutex<[Answer]>([])

  func answer(to request: HTTPRequest, _ make: () -> HTTPResponse) -> HTTPResponse {
    let query = request.query.flatMap { [$0.name, $0.value] }
    let key = [request.path, request.takesGzip ? "gzip" : ""] + query
    let known = answers.withLock { answers in
      answers.first { $0.key == key && $0.begun >= request.received }
    }
    if let known { return known.response }
    let begun = ContinuousClock.now
    let response = make()
    answers.withLock { answers in
      answers.removeAll { $0.key == key }
      answers.append(Answer(key: key, begun: begun, response: response))
      if answers.count > Self.most { answers.removeFirst() }
    }
    return response
  }
}
