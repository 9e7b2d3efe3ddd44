# Kebijakan berbagi data dalam kalimat. Istilah masih perlu ditinjau penutur asli.
policy-headline = { $recipient } menerima { $message } dari { $sender }, untuk tujuan { $purpose }, berdasarkan { $agreement }, sampai { $expires }.
policy-leaf = { $recipient } menerima { $label } ({ $leaf }): { $how }.
policy-count = { $count } dari { $all } kolom diteruskan.
policy-nothing = { $recipient } tidak menerima satu kolom pun.

policy-op-keep = apa adanya
policy-op-constant = selalu “{ $value }”
policy-op-codes = hanya salah satu dari { $codes }
policy-op-year = tahunnya saja
policy-op-half-year = tengah tahunnya saja
policy-op-month = bulannya saja
policy-op-country = negaranya saja
policy-op-adm1 = provinsinya saja
policy-op-count = jumlahnya saja, sebagai { $codes }
policy-op-pseudonym = kode samaran khusus penerima
policy-op-hold = setelah diperiksa petugas penerima

policy-purpose-child_protection = pelindungan anak
policy-purpose-service_delivery = pemberian layanan
policy-purpose-reintegration = reintegrasi sosial
policy-purpose-jwg_learning = pembelajaran kelompok kerja bersama
policy-purpose-statistics = statistik
policy-purpose-legal_obligation = kewajiban hukum
