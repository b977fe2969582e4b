package http_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"sandgate/http"
	"sandgate/sandgatetest"
)

func Example() {
	sandgatetest.AnswerHTTP("https://api.example.com/v1?q=1", http.Reply{Body: []byte(`{"known":true}`)})
	reply, err := http.Get("https://api.example.com/v1?q=1")
	fmt.Println(reply.Status, reply.Text(), err)

	_, err = http.Request{Method: "POST", URL: "https://elsewhere.example/", Body: []byte("x"), Header: http.Header{"x-who": {"ada"}}}.Send()
	fmt.Println(err)
	asked := sandgatetest.HTTPRequests()
	last := asked[len(asked)-1]
	fmt.Println(last.Method, string(last.Body), last.Header)
	// Output:
	// 200 {"known":true} <nil>
	// connection-refused
	// POST x map[x-who:[ada]]
}

func TestAUrlThatCannotBeAskedIsRefusedBeforeItIs(t *testing.T) {
	sandgatetest.HTTPRequests()
	for _, url := range []string{"", "a", "ftp://a/", "https://", "https:///b", "HTTP:/a", "http://\xff/"} {
		if _, err := http.Get(url); err != http.ErrURL {
			t.Errorf("%q: %v", url, err)
		}
	}
	if asked := sandgatetest.HTTPRequests(); len(asked) > 0 {
		t.Error(asked)
	}
}

func TestAReplyAboveTheLimitIsNoneAndHeadersHaveNoCase(t *testing.T) {
	sandgatetest.AnswerHTTP("http://a", http.Reply{Status: 404, Header: http.Header{"X-A": {"1", "2"}}, Body: []byte("four")})
	reply, err := http.Request{URL: "http://a", Limit: 4}.Send()
	if err != nil || reply.Status != 404 || reply.Header.Get("x-A") != "1" || len(reply.Header["x-a"]) != 2 {
		t.Error(reply, err)
	}
	var large *http.TooLarge
	if _, err = (http.Request{URL: "http://a", Limit: 3}).Send(); !errors.As(err, &large) || large.Limit != 3 {
		t.Error(err)
	}
}

func TestAReplyThatIsLateIsNoneForWhoDoesNotWaitAndFailuresHaveKinds(t *testing.T) {
	sandgatetest.AnswerHTTPLate("http://late", time.Second, http.Reply{})
	for timeout, late := range map[time.Duration]bool{time.Second: true, 2 * time.Second: false, 0: false} {
		if _, err := (http.Request{URL: "http://late", Timeout: timeout}).Send(); errors.Is(err, http.ErrTimedOut) != late {
			t.Error(timeout, err)
		}
	}
	kinds := []error{http.ErrTimedOut, http.ErrRefused, http.ErrCut, http.ErrDenied}
	for _, kind := range kinds[:3] {
		sandgatetest.FailHTTP("http://late", kind)
		_, err := http.Get("http://late")
		for _, other := range kinds {
			if errors.Is(err, other) != (other == kind) {
				t.Error(err, other)
			}
		}
	}
}
