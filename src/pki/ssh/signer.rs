//! Signs certificates by the key of an authority.

use ssh_key::private::KeypairData;
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, Error, HashAlg, PrivateKey, Signature, SigningKey};

/// The key of an authority. RSA is signed here: ssh-key 0.6.7 takes one of the two primes twice, and refuses every key.
pub struct Signer<'a>(pub &'a PrivateKey);

impl rsa::signature::Signer<Signature> for Signer<'_> {
    fn try_sign(&self, message: &[u8]) -> rsa::signature::Result<Signature> {
        let KeypairData::Rsa(pair) = self.0.key_data() else {
            return self.0.try_sign(message);
        };
        let number = |part: &ssh_key::Mpint| rsa::BigUint::try_from(part);
        let primes = vec![number(&pair.private.p)?, number(&pair.private.q)?];
        let (n, e, d) = (number(&pair.public.n)?, number(&pair.public.e)?, number(&pair.private.d)?);
        let key = rsa::RsaPrivateKey::from_components(n, e, d, primes).map_err(|_| Error::Crypto)?;
        let signed = rsa::pkcs1v15::SigningKey::<ssh_key::sha2::Sha512>::new(key).try_sign(message)?;
        let bytes = rsa::signature::SignatureEncoding::to_vec(&signed);
        // RFC 8332, 3: `rsa-sha2-512`.
        Ok(Signature::new(Algorithm::Rsa { hash: Some(HashAlg::Sha512) }, bytes)?)
    }
}

impl SigningKey for Signer<'_> {
    fn public_key(&self) -> KeyData {
        self.0.public_key().key_data().clone()
    }
}
