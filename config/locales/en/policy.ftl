# Data-sharing policies in sentences.
policy-headline = { $recipient } receives { $message } from { $sender }, for { $purpose }, under { $agreement }, until { $expires }.
policy-leaving = What is for { $recipient } leaves { $how }.
policy-when-at-once = at once
policy-when-monthly = once a month, on day { $day } at { $hour } (Asia/Jakarta), in random order
policy-leaf = { $recipient } receives { $label } ({ $leaf }): { $how }.
policy-count = { $count } of { $all } fields leave.
policy-nothing = { $recipient } receives no field at all.

policy-op-keep = as it is
policy-op-constant = always “{ $value }”
policy-op-codes = only one of { $codes }
policy-op-year = its year only
policy-op-half-year = its half-year only
policy-op-month = its month only
policy-op-country = its country only
policy-op-adm1 = its province only
policy-op-count = how many only, as { $codes }
policy-op-pseudonym = a pseudonym of its own
policy-op-hold = once an officer of the recipient has looked

policy-purpose-child_protection = child protection
policy-purpose-service_delivery = service delivery
policy-purpose-reintegration = social reintegration
policy-purpose-jwg_learning = learning of the joint working group
policy-purpose-statistics = statistics
policy-purpose-legal_obligation = a legal obligation

policy-diff-starts = { $recipient } will start to receive { $label } ({ $leaf }): { $how }.
policy-diff-stops = { $recipient } will no longer receive { $label } ({ $leaf }).
policy-diff-differs = { $recipient } will receive { $label } ({ $leaf }) differently: { $how }; so far { $before }.
policy-diff-code = In { $label } ({ $leaf }), { $code } becomes { $how }; so far { $before }.
policy-diff-refused = refused
policy-diff-head-longer = It will run longer: until { $after } instead of { $before }.
policy-diff-head-shorter = It will end earlier: on { $after } instead of { $before }.
policy-diff-head-agreement = It will stand under { $after } instead of { $before }.
policy-diff-head-purpose = It will be for { $after } instead of { $before }.
policy-diff-head-proof-starts = The sender's own signature will travel along.
policy-diff-head-proof-stops = The sender's own signature will no longer travel along.
policy-diff-head-leaves-at-once = Releases will leave { $after } instead of { $before }.
policy-diff-head-leaves-monthly = Releases will leave { $after } instead of { $before }.
policy-diff-head-other-window = Releases will leave { $after } instead of { $before }.
policy-diff-nothing = { $recipient } receives exactly what it receives today.
policy-diff-narrows = Nothing widens: one officer may put it in force.
policy-diff-says-otherwise = Nothing widens, but not everything is only dropped: two officers of different units decide.
policy-diff-widens = { $count } change(s) widen what { $recipient } receives: two officers of different units decide.

policy-print-title = Summary of the data-sharing policy { $id }, version { $version }
policy-print-why = Why: { $why }
policy-print-digest = SHA-256 of its canonical form: { $digest }
policy-print-passed = What { $recipient } receives
policy-print-dropped = What the message holds and { $recipient } never receives
policy-print-warnings = What an approver should see
